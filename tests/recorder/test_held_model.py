"""Windows, changes of the clocks, kills and reloads against a model that looks at each minute.

The model has a watch, see `tests/support/window_watch.py`. What begins in a window is held.
"""

from __future__ import annotations

import os
import tempfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attrs import define, evolve
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from supervisor.alerts.alert import State
from supervisor.config.service import Module, Service
from supervisor.ledger.database import open_ledger
from supervisor.observations import Condition, Duration, Report
from supervisor.recorder.reconcile import reconcile
from tests.support.ledger_bench import LedgerBench, moment, service_of
from tests.support.window_watch import HOURS, PLACES, TABLES, Table, watch

LONG = int(os.environ.get("SUPERVISOR_LONG_TESTS", "0"))
"""Set it to 1 for many more examples."""

MODULES = (
    Module("one", "one", every=Duration(60)),
    Module("two", "two", every=Duration(60)),
)
INSTANCES = ("a", "b")


@define
class Truth:
    """What the model knows of one condition."""

    state: State
    since: float


class Windows(RuleBasedStateMachine):
    """The bench and the model, a minute at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.true: set[tuple[str, str]] = set()
        self.model: dict[tuple[str, str], Truth] = {}
        self.reports: dict[str, str] = {}
        self.minute = 0
        self.confirmed = {"one", "two"}

    choices = st.lists(TABLES, max_size=1)

    @initialize(place=st.sampled_from(PLACES), tables=choices, before=st.integers(0, 180))
    def begin(self, place: tuple[str, date], tables: list[Table], before: int) -> None:
        self.zone, self.day = place
        noon = datetime.combine(self.day - timedelta(1), time(12), ZoneInfo(self.zone))
        self.start = noon.timestamp()
        self.minute = 15 * 60 - before  # the clocks change soon
        self.tables = tables
        self.bench = LedgerBench(self.service())
        self.bench.now = self.now

    @property
    def now(self) -> float:
        return self.start + 60 * self.minute

    def service(self) -> Service:
        windows = tuple(each.maintenance() for each in self.tables)
        found = service_of(*MODULES, maintenance=windows)
        return evolve(found, timezone=ZoneInfo(self.zone))

    def holds(self, module: str) -> tuple[bool, bool]:
        """Return whether the model holds reports, and conditions, of a module."""
        for table in self.tables:
            if not table.modules or module in table.modules:
                return watch(table, self.zone, self.start)[self.minute]
        return False, False

    @rule(key=st.tuples(st.sampled_from(("one", "two")), st.sampled_from(INSTANCES)))
    def turn(self, key: tuple[str, str]) -> None:
        self.true ^= {key}

    @rule(minutes=st.integers(1, 100))
    def let_time_pass(self, minutes: int) -> None:
        for _ in range(min(minutes, HOURS * 60 - 1 - self.minute)):
            self.minute += 1
            self.bench.now = self.now
            self.look()
            for module in MODULES:
                self.run(module)
            self.look()

    @rule(module=st.sampled_from(MODULES))
    def report(self, module: Module) -> None:
        name = f"report {self.minute} {module.name} {len(self.reports)}"
        self.bench.see(*self.conditions(module), Report(name, "hello"), module=module)
        self.judge(module)
        self.reports[name] = module.name
        self.look()

    @rule()
    def kill(self) -> None:
        """Begin again with what the file holds."""
        whole = self.bench.store.contents()
        whole.cursors |= self.bench.cursors.contents()
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "ledger.sqlite"
            opened = open_ledger(path, self.now)
            opened.ledger.commit(whole)
            opened.ledger.close()
            again = open_ledger(path, self.now)
            again.ledger.close()
        assert again.aside is None
        self.bench.store.alerts = dict(again.contents.alerts)  # type: ignore[arg-type]  # none is None
        self.bench.restart(self.service())
        self.confirmed = set()
        self.look()

    @rule(tables=choices)
    def reload(self, tables: list[Table]) -> None:
        self.tables = tables
        self.bench.service = self.bench.store.config.service = self.service()
        self.bench.work(reconcile)
        self.look()

    def conditions(self, module: Module) -> list[Condition]:
        return [
            Condition("Flag", "E", instance, "up")
            for name, instance in sorted(self.true)
            if name == module.name
        ]

    def run(self, module: Module) -> None:
        self.bench.see(*self.conditions(module), module=module)
        self.judge(module)

    def judge(self, module: Module) -> None:
        """Let the model take in a run."""
        self.confirmed.add(module.name)
        for instance in INSTANCES:
            key = module.name, instance
            if key not in self.true:
                self.model.pop(key, None)
            elif key not in self.model:
                _, is_held = self.holds(module.name)
                self.model[key] = Truth(State.HELD if is_held else State.FIRING, self.now)

    def look(self) -> None:
        """Do what is due, and compare what is sent with what the model allows."""
        for _ in range(3):
            self.bench.housekeep()
        for (module, _), truth in self.model.items():
            if not self.holds(module)[1] and module in self.confirmed:
                truth.state = State.FIRING
        for alert in self.bench.deliver():
            self.check_sent(alert)
        due = {name for name, module in self.reports.items() if not self.holds(module)[0]}
        assert due <= self.told
        self.reports = {name: self.reports[name] for name in self.reports.keys() - due}

    @property
    def told(self) -> set[str]:
        return {
            alert.alertname
            for alert in (*self.bench.store.alerts.values(), *self.bench.store.history.values())
            if alert.state is State.REPORT
        }

    def check_sent(self, alert: dict[str, Any]) -> None:
        labels = alert["labels"]
        if "event_id" in labels:
            assert not self.holds(labels["check"])[0] or labels["alertname"] not in self.reports
            return
        truth = self.model.get((labels["check"], labels["instance"]))
        if truth is not None and alert["endsAt"] > moment(self.now):
            assert truth.state is State.FIRING
            assert alert["startsAt"] == moment(truth.since)

    @invariant()
    def what_is_kept_is_what_the_model_says(self) -> None:
        if not hasattr(self, "bench"):
            return
        found = {
            (alert.module, alert.instance): (alert.state, alert.starts_at)
            for alert in self.bench.store.alerts.values()
            if alert.alertname == "Flag" and alert.state in (State.FIRING, State.HELD)
        }
        assert found == {key: (truth.state, truth.since) for key, truth in self.model.items()}


def test_windows_hold_what_a_person_with_a_watch_would_hold() -> None:
    run_state_machine_as_test(
        Windows,
        settings=settings(
            max_examples=400 if LONG else 25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_held_report_goes_after_a_start_as_soon_as_nothing_holds_it() -> None:
    story = Windows()
    story.begin(PLACES[0], [Table(("00:00-23:59",), 0, (), ())], 0)
    story.report(MODULES[0])
    story.kill()

    story.reload([])  # no module has run since the start

    assert story.reports == {}
