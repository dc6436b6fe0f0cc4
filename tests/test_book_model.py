"""Book, draft and ledger against a model, through crashes, outages and lost answers.

Each peer is a small Alertmanager: it merges what it is sent as shown by its API and remembers
how long each episode was visible. After everything has settled, each peer must believe what is
true, and each event must have been visible somewhere for `min_visible`.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attrs import define, evolve, field
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from supervisor.book import Book, Outgoing
from supervisor.draft import Draft
from supervisor.ledger import Ledger, open_ledger
from supervisor.model import Condition, Duration, Report, Run, State
from supervisor.service import Alertmanager, Module, Service

PEERS = ("http://127.0.0.1:9093", "http://127.0.0.2:9093", "http://127.0.0.3:9093")
MODULES = (
    Module("one", "one", every=Duration(60)),
    Module("two", "two", every=Duration(60), fire_after=2, clear_after=2),
    Module("three", "three", at=("09:00",)),
)
INSTANCES = ("a", "b")
MIN_VISIBLE = 60.0
LONG = int(os.environ.get("SUPERVISOR_LONG_TESTS", "0"))
"""Set it to 1 for thousands of examples rather than a few."""


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@define
class FakePeer:
    """What one Alertmanager believes, by fingerprint."""

    starts: dict[str, float] = field(factory=dict)
    ends: dict[str, float] = field(factory=dict)
    taken_at: dict[str, float] = field(factory=dict)
    visible: dict[str, float] = field(factory=lambda: defaultdict(float))
    """The longest time for which an alert was active without a break."""

    bodies: dict[str, set[bytes]] = field(factory=lambda: defaultdict(set))

    def take(self, item: Outgoing, now: float) -> None:
        alert = json.loads(item.data)
        start, end = seconds(alert["startsAt"]), seconds(alert["endsAt"])
        assert start <= end
        name = item.fingerprint
        self.look(now)
        if self.ends.get(name, 0.0) <= now:
            self.taken_at[name] = now
            self.starts[name] = start
        self.starts[name] = min(self.starts[name], start)
        # As in Alertmanager: a shorter end does not shorten a longer one, unless it has come.
        self.ends[name] = end if end <= now else max(end, self.ends.get(name, 0.0))
        if item.state is State.REPORT:
            self.bodies[f"{name}/{item.episode}"].add(item.data)
        self.look(now)

    def look(self, now: float) -> None:
        """Note how long everything has been visible by now."""
        for name, since in self.taken_at.items():
            until = min(now, self.ends[name])
            self.visible[name] = max(self.visible[name], until - since)

    def active(self, now: float) -> set[str]:
        return {name for name, end in self.ends.items() if end > now}


class BookMachine(RuleBasedStateMachine):
    """The recorder and the senders, acted out one step at a time."""

    def __init__(self) -> None:
        super().__init__()
        # In memory where there is such a place: thousands of commits that need not survive.
        fast = Path("/dev/shm")
        self.directory = tempfile.TemporaryDirectory(dir=fast if fast.is_dir() else None)
        self.now = 1_000_000_000.0
        self.peers = {url: FakePeer() for url in PEERS}
        self.configured: tuple[str, ...] = PEERS[:2]
        self.truth: dict[str, set[str]] = {module.name: set() for module in MODULES}
        self.must_be_seen: set[str] = set()
        self.reports = 0
        self.flights: dict[str, list[Outgoing]] = {}

    @initialize()
    def start(self) -> None:
        """Start as the daemon does: load, reconcile, commit."""
        self.book = Book(self.service())
        self.ledger, aside = open_ledger(Path(self.directory.name, "ledger"), self.book, self.now)
        assert aside is None
        self.book.forget_other_peers()
        draft = Draft(self.book, self.now)
        draft.reconcile()
        self.commit(draft)
        self.book.await_confirmation(self.now)
        self.flights = {}

    def service(self) -> Service:
        return Service(
            Path("X.toml"),
            "X",
            ZoneInfo("UTC"),
            labels={"host": "h"},
            modules=MODULES,
            alertmanager=Alertmanager(urls=self.configured, min_visible=Duration(MIN_VISIBLE)),
        )

    def commit(self, draft: Draft, *, cursors: bool = True) -> None:
        if cursors:
            draft.changes.cursors |= self.book.unsaved_cursors()
        self.ledger.commit(draft.changes)
        self.book.adopt(draft.changes)

    # -- what happens ----------------------------------------------------------------------

    @rule(
        module=st.sampled_from(MODULES),
        seen=st.sets(st.sampled_from(INSTANCES)),
        event_type=st.sampled_from("WE"),
        message=st.sampled_from(["x", "y"]),
    )
    def see(self, module: Module, seen: set[str], event_type: str, message: str) -> None:
        conditions = tuple(Condition("C", event_type, name, message) for name in sorted(seen))
        self.run(module, conditions)
        self.truth[module.name] = seen

    @rule(module=st.sampled_from(MODULES))
    def report(self, module: Module) -> None:
        self.reports += 1
        kept = tuple(Condition("C", "W", name, "x") for name in sorted(self.truth[module.name]))
        self.run(module, (*kept, Report("R", f"report {self.reports}")))

    @rule(module=st.sampled_from(MODULES))
    def fail(self, module: Module) -> None:
        self.run(module, (), error="it broke")

    def run(self, module: Module, observations: tuple[Any, ...], error: str = "") -> None:
        run = Run(module.name, self.now, self.now, 0.1, observations, error)
        draft = Draft(self.book, self.now)
        draft.record(module, run, None)
        draft.tend()
        draft.review()
        self.commit(draft)
        self.book.confirm(module.name)
        self.now += 0.001
        self.must_be_seen |= {
            name
            for name, alert in draft.changes.alerts.items()
            if alert and alert.state in (State.OVER, State.REPORT)
        }

    @rule(step=st.sampled_from([0.5, 10.0, 61.0, 300.0, 1000.0, 4000.0, 90_000.0]))
    def pass_time(self, step: float) -> None:
        """Let time pass; housekeeping comes whenever it is due."""
        self.pass_some(step)

    def pass_some(self, step: float) -> None:
        until = self.now + step
        while (due := self.book.tending.next()) is not None and due <= until:
            self.now = max(self.now, due)
            self.tend()
        self.now = until

    def tend(self) -> None:
        draft = Draft(self.book, self.now)
        draft.tend()
        draft.review()
        if draft.changes:
            self.commit(draft)

    # -- delivery --------------------------------------------------------------------------

    @rule(url=st.sampled_from(PEERS), most=st.integers(1, 5))
    def post(self, url: str, most: int) -> None:
        """Send a batch; the answer comes in another step, or never."""
        if url in self.configured and url not in self.flights:
            batch = self.book.take_due(url, self.now, 0.0, most, 1 << 20)
            if batch:
                self.flights[url] = batch

    @precondition(lambda self: self.flights)
    @rule(data=st.data(), taken=st.booleans(), answered=st.booleans())
    def answer(self, data: st.DataObject, taken: bool, answered: bool) -> None:
        url = data.draw(st.sampled_from(sorted(self.flights)))
        batch = self.flights.pop(url)
        if taken:
            for item in batch:
                self.peers[url].take(item, self.now)
        if taken and answered:
            for item in batch:
                self.book.delivered(url, item, self.now)
        else:
            self.book.put_back(url, batch, self.now)

    # -- disasters -------------------------------------------------------------------------

    @rule()
    def crash(self) -> None:
        """Kill -9: what is not committed is gone, cursors among it."""
        self.ledger.close()
        self.start()

    @rule(count=st.integers(1, 3))
    def change_peers(self, count: int) -> None:
        self.ledger.close()
        self.configured = PEERS[:count]
        self.start()

    # -- what must hold --------------------------------------------------------------------

    def compare_with_disk(self) -> None:
        """The ledger holds what the book does."""
        again = Book(self.service())
        reader = Ledger(Path(self.directory.name, "ledger"))
        reader.load(again)
        reader.close()

        assert again.alerts == self.book.alerts
        assert {name: group for name, group in again.sightings.items() if group} == {
            name: group for name, group in self.book.sightings.items() if group
        }

    def settle(self) -> None:
        """Every module runs, every peer answers, until nothing is owed to anyone."""
        for url in list(self.flights):
            self.book.put_back(url, self.flights.pop(url), self.now)
        for _ in range(20):
            for module in MODULES:
                seen = tuple(
                    Condition("C", "W", name, "x") for name in sorted(self.truth[module.name])
                )
                self.run(module, seen)
            for url in self.configured:
                while batch := self.book.take_due(url, self.now, 0.0, 100, 1 << 20):
                    for item in batch:
                        self.peers[url].take(item, self.now)
                        self.book.delivered(url, item, self.now)
            self.pass_some(30.0)

    def teardown(self) -> None:
        try:
            if hasattr(self, "book"):
                self.compare_with_disk()
                self.settle()
                self.judge()
        finally:
            if hasattr(self, "ledger"):
                self.ledger.close()
            self.directory.cleanup()

    def judge(self) -> None:
        firing = {name for name, alert in self.book.alerts.items() if alert.state is State.FIRING}
        expected = sum(len(seen) for seen in self.truth.values())

        assert len(firing) == expected
        for peer in self.peers.values():
            peer.look(self.now)
        for url in self.configured:
            peer = self.peers[url]
            reports = {
                name for name, alert in self.book.alerts.items() if alert.state is State.REPORT
            }
            assert peer.active(self.now) - reports == firing
            assert all(len(bodies) == 1 for bodies in peer.bodies.values())
        for name in self.must_be_seen:
            longest = max(peer.visible[name] for peer in self.peers.values())
            assert longest >= MIN_VISIBLE


def test_nothing_is_lost_and_nothing_over_stays() -> None:
    run_state_machine_as_test(
        BookMachine,
        settings=settings(
            max_examples=3000 if LONG else 30,
            stateful_step_count=60 if LONG else 30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_model_itself_tells_an_alert_that_was_swallowed() -> None:
    """A peer that is told of firing and resolved at once has not seen it long enough."""
    peer = FakePeer()
    book = Book(Service(Path("X"), "X", ZoneInfo("UTC"), labels={"host": "h"}, modules=MODULES))
    draft = Draft(book, 1000.0)
    draft.record(
        MODULES[0], Run("one", 1000.0, 1000.0, 0.1, (Condition("C", "W", "a", "x"),)), None
    )
    book.adopt(draft.changes)
    (item,) = book.take_due("console", 1000.0, 0.0, 10, 1 << 20)
    peer.take(item, 1000.0)
    ended = evolve(
        item, data=item.data.replace(b'"endsAt":"1970-01-01T00:20', b'"endsAt":"1970-01-01T00:16')
    )
    peer.take(ended, 1010.0)

    assert peer.active(1010.0) == set()
    assert peer.visible[item.fingerprint] < MIN_VISIBLE
