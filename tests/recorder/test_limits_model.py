"""Limits, bands and "3 of 5" against a count by hand, through kills and reloads.

Any values meet any limits. After each run, at most one alert of each identity fires, and it has the
type that the rules of docs/reference/service-file.md give it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from attrs import define, evolve, field
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
from supervisor.alerts.payload import local_time
from supervisor.config.limits.limit import Limit
from supervisor.config.service import Module, Service
from supervisor.ledger.database import Ledger
from supervisor.observations import Duration, Run
from supervisor.recorder.reconcile import reconcile
from supervisor.recorder.update import Update
from tests.support.ledger_bench import LedgerBench, reopened, service_of
from tests.support.limits import lower_limits, upper_limits

INSTANCES = ("a", "b")
PLAIN = "E"
"""The event type of a limit that is a plain number."""

LONG = int(os.environ.get("SUPERVISOR_LONG_TESTS", "0"))
"""Set it to 1 for thousands of examples rather than a few."""

values = st.integers(-10, 130)
limits = st.one_of(
    upper_limits().map(lambda limit: (1, limit)), lower_limits().map(lambda limit: (-1, limit))
)


@define
class Counted:
    """What should be true of one condition, counted in the most simple way."""

    fires: str = ""
    """The event type with which it fires. Empty: it does not."""

    since: float = 0.0
    changed: bool = False
    seen: list[bool] = field(factory=list)
    """Of each run since its last end, whether the value was beyond a number."""

    missed: int = 0

    def look(self, sign: int, limit: Limit[int], value: int, module: Module, now: float) -> None:
        at = sign * value
        numbers = {kind or PLAIN: sign * number for kind, number in limit.levels}
        passed = [kind for kind, number in numbers.items() if at > number]
        farthest = max(passed, key=numbers.__getitem__, default="")
        first = min(numbers, key=numbers.__getitem__)
        width = None if limit.clear is None else numbers[first] - sign * limit.clear
        if not self.fires:
            self.seen.append(bool(passed))
            wanted, last = module.runs_to_fire
            if passed and sum(self.seen[-last:]) >= wanted:
                self.fires, self.since, self.changed, self.missed = farthest, now, False, 0
            return
        if not passed and (width is None or at < numbers[first] - width):
            self.missed += 1
            if self.missed >= module.runs_to_clear:
                self.fires, self.seen = "", []
            return
        self.missed = 0
        is_farther = self.fires in numbers and numbers[self.fires] > numbers.get(farthest, -999)
        if is_farther and width is not None and at >= numbers[self.fires] - width:
            return  # in the band of the type that it has
        before, self.fires = self.fires, farthest or first
        self.changed |= self.fires != before


class LimitsMachine(RuleBasedStateMachine):
    """A module whose values are judged by limits, and whose process is killed now and then."""

    @initialize(
        given=st.lists(limits, min_size=2, max_size=2),
        wanted=st.integers(1, 4),
        more=st.integers(0, 3),
        clear_after=st.integers(1, 3),
    )
    def begin(
        self, given: list[tuple[int, Limit[int]]], wanted: int, more: int, clear_after: int
    ) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.path = Path(self.directory.name, "ledger")
        self.module = Module(
            "m",
            "m",
            every=Duration(60),
            fire_after=f"{wanted} of {wanted + more}" if more else wanted,
            clear_after=clear_after,
        )
        self.given = given
        self.bench = LedgerBench(service_of(self.module))
        self.ledger = Ledger(self.path)
        self.counted = [Counted() for _ in INSTANCES]

    def teardown(self) -> None:
        self.ledger.close()
        self.directory.cleanup()

    def run_of(self, seen: list[int], error: str = "") -> Run:
        found = []
        for instance, (sign, limit), value in zip(INSTANCES, self.given, seen, strict=True):
            judge = limit.above if sign > 0 else limit.below
            if crossing := judge(value, PLAIN):
                found.append(crossing.condition("A", instance, f"{value}"))
        now = self.bench.now
        return Run("m", now, now, 0.1, () if error else tuple(found), error=error)

    def committed(self, update: Update) -> None:
        self.ledger.commit(update.changes)
        self.bench.deliver()
        self.bench.outbox.confirm("m")
        self.bench.pass_time(60)

    @rule(seen=st.lists(values, min_size=2, max_size=2))
    def run(self, seen: list[int]) -> None:
        for counted, (sign, limit), value in zip(self.counted, self.given, seen, strict=True):
            counted.look(sign, limit, value, self.module, self.bench.now)
        done = self.run_of(seen)
        self.committed(self.bench.work(lambda update: update.record(self.module, done, None)))

    @rule(data=st.data(), step=st.integers(-2, 2))
    def run_near_a_number(self, data: st.DataObject, step: int) -> None:
        seen = []
        for sign, limit in self.given:
            first = min(limit.numbers, key=lambda number: sign * number)
            width = 0 if limit.clear is None else first - limit.clear
            ends = [number - width for number in limit.numbers]
            seen.append(data.draw(st.sampled_from([*limit.numbers, *ends])) + step)
        self.run(seen)

    @rule(seen=st.lists(values, min_size=2, max_size=2))
    def fail(self, seen: list[int]) -> None:
        done = self.run_of(seen, error="it broke")
        self.committed(self.bench.work(lambda update: update.record(self.module, done, None)))

    @rule(seen=st.lists(values, min_size=2, max_size=2), during_a_run=st.booleans())
    def kill(self, seen: list[int], during_a_run: bool) -> None:
        if during_a_run:  # it was not committed, so it does not count
            update = Update.begin(self.bench.outbox, self.bench.now)
            update.record(self.module, self.run_of(seen), None)
        service = self.bench.service
        self.ledger.close()
        self.bench.outbox, _ = reopened(service, self.path, self.bench.now)
        self.ledger = Ledger(self.path)
        self.committed(self.bench.work(reconcile))

    @rule(given=st.lists(limits, min_size=2, max_size=2), site=st.sampled_from("sn"))
    def reload(self, given: list[tuple[int, Limit[int]]], site: str) -> None:
        self.given = given
        if site != self.bench.service.labels["site"]:
            for counted in self.counted:  # under other labels an alert begins again
                counted.missed = 0
        service: Service = evolve(self.bench.service, labels={"host": "h", "site": site})
        self.bench.service = service
        self.bench.store.config.service = service
        self.committed(self.bench.work(reconcile))

    @invariant()
    def what_fires_is_what_was_counted(self) -> None:
        zone = self.bench.service.timezone
        for instance, counted in zip(INSTANCES, self.counted, strict=True):
            firing = [
                alert
                for alert in self.bench.store.alerts.values()
                if (alert.module, alert.instance) == ("m", instance) and alert.state is State.FIRING
            ]
            assert [alert.event_type for alert in firing] == [counted.fires][: bool(counted.fires)]
            for alert in firing:
                since = local_time(counted.since, zone) if counted.changed else None
                assert alert.payload.annotations.get("since") == since

    @invariant()
    def nothing_is_over_or_counted_for_what_fires(self) -> None:
        for counted, instance in zip(self.counted, INSTANCES, strict=True):
            sighting = self.bench.store.sightings.get("m", {}).get(("A", instance))
            if counted.fires:
                assert sighting is not None
                assert sighting.missed == counted.missed


@pytest.mark.timeout(3600 if LONG else 300)
def test_what_fires_is_what_a_count_by_hand_says() -> None:
    run_state_machine_as_test(
        LimitsMachine,
        settings=settings(
            max_examples=3000 if LONG else 40,
            stateful_step_count=50 if LONG else 25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
