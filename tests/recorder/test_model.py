"""Book, update and ledger against a model, through crashes, outages and lost answers.

Each peer is a small Alertmanager: it merges what it is sent as shown by its API and remembers
how long each episode was visible. The peers' clock is right, the supervisor's may be set back.
After everything has settled, each peer must believe what is true, and each event must have been
visible somewhere for `min_visible`.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import define, evolve, field, frozen
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from supervisor.alerts.alert import SUPERVISOR, State
from supervisor.config.service import Alertmanager, Module, Service
from supervisor.host.clock import MIN_STEP
from supervisor.ledger.cursors import Cursors
from supervisor.ledger.database import Ledger, open_ledger
from supervisor.ledger.outbox import Outbox
from supervisor.ledger.outgoing import Outgoing
from supervisor.ledger.store import Store, cost
from supervisor.observations import Condition, Duration, Report, Run
from supervisor.recorder.reconcile import clock_set_back, reconcile
from supervisor.recorder.update import Update

PEERS = ("http://127.0.0.1:9093", "http://127.0.0.2:9093", "http://127.0.0.3:9093")
MODULES = (
    Module("one", "one", every=Duration(60)),
    Module("two", "two", every=Duration(60), fire_after=2, clear_after=2),
    Module("three", "three", at=("09:00",)),
)
INSTANCES = ("a", "b")
MIN_VISIBLE = 360.0
"""Longer than the 240 s for which an alert is active after it was sent once."""

LONG = int(os.environ.get("SUPERVISOR_LONG_TESTS", "0"))
"""Set it to 1 for thousands of examples rather than a few."""


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@frozen
class Posted:
    """What is in flight. `life` tells apart alerts of one fingerprint that were forgotten."""

    item: Outgoing
    life: int


@define
class FakePeer:
    """What one Alertmanager believes, by fingerprint."""

    starts: dict[str, float] = field(factory=dict)
    ends: dict[str, float] = field(factory=dict)
    taken_at: dict[str, float] = field(factory=dict)
    episodes: dict[str, tuple[int, int]] = field(factory=dict)
    resolved: dict[tuple[str, int], int] = field(factory=dict)
    visible: dict[tuple[str, int, int], float] = field(factory=lambda: defaultdict(float))
    """The longest time for which an episode was active without a break."""

    bodies: dict[tuple[str, int], set[bytes]] = field(factory=lambda: defaultdict(set))

    def take(self, posted: Posted, now: float) -> None:
        item = posted.item
        alert = json.loads(item.data)
        start, end = seconds(alert["startsAt"]), seconds(alert["endsAt"])
        assert start <= end
        name, episode = item.alert.fingerprint, (posted.life, item.alert.episode)
        self.look(now)
        if item.alert.state is State.RESOLVED:
            self.resolved[name, posted.life] = item.alert.episode
        else:
            assert item.alert.episode > self.resolved.get((name, posted.life), 0)
        if self.ends.get(name, 0.0) <= now or self.episodes[name] != episode:
            self.taken_at[name] = now
            self.episodes[name] = episode
        if self.ends.get(name, 0.0) <= now:
            self.starts[name] = start
        self.starts[name] = min(self.starts[name], start)
        # As in Alertmanager: a shorter end does not shorten a longer one, unless it has come.
        self.ends[name] = end if end <= now else max(end, self.ends.get(name, 0.0))
        if item.alert.state is State.REPORT:
            self.bodies[name, item.alert.version].add(item.data)
        self.look(now)

    def look(self, now: float) -> None:
        """Note how long everything has been visible by now."""
        for name, since in self.taken_at.items():
            key = (name, *self.episodes[name])
            self.visible[key] = max(self.visible[key], min(now, self.ends[name]) - since)

    def active(self, now: float) -> set[str]:
        return {name for name, end in self.ends.items() if end > now}


class StoreMachine(RuleBasedStateMachine):
    """The recorder and the senders, acted out one step at a time."""

    max_ledger = 1 << 26

    def __init__(self) -> None:
        super().__init__()
        # In memory where there is such a place: thousands of commits that need not survive.
        fast = Path("/dev/shm")
        self.directory = tempfile.TemporaryDirectory(dir=fast if fast.is_dir() else None)
        self.time = 1_000_000_000.0
        self.ahead = 0.0
        self.unnoticed = 0.0
        self.lives: Counter[str] = Counter()
        self.peers = {url: FakePeer() for url in PEERS}
        self.configured: tuple[str, ...] = PEERS[:2]
        self.truth: dict[str, dict[str, Condition]] = {module.name: {} for module in MODULES}
        self.must_be_seen: set[tuple[str, int, int]] = set()
        self.must_be_told: set[tuple[str, int, int]] = set()
        self.refused: dict[str, tuple[str, str]] = {}
        self.reports = 0
        self.flights: dict[str, list[Posted]] = {}
        self.has_started = False

    @property
    def now(self) -> float:
        """The supervisor's clock; the peers' shows `time`."""
        return self.time + self.ahead

    @property
    def shift(self) -> float:
        """What the sender has learned from the peers' answers."""
        return -self.ahead if abs(self.ahead) > 30.0 else 0.0

    @initialize()
    def start(self) -> None:
        """Start as the daemon does: load, reconcile, commit."""
        self.outbox = Outbox.of(self.service())
        opened = open_ledger(Path(self.directory.name, "ledger"), self.now)
        assert opened.aside is None
        self.ledger = opened.ledger
        self.outbox.restore(opened.contents)
        self.outbox.forget_other_peers()
        update = Update.begin(self.outbox, self.now)
        reconcile(update)
        self.commit(update)
        self.outbox.await_confirmation(self.now)
        self.flights = {}
        self.has_started = True

    @property
    def store(self) -> Store:
        return self.outbox.store

    @property
    def cursors(self) -> Cursors:
        return self.outbox.cursors

    def service(self) -> Service:
        return Service(
            Path("X.toml"),
            "X",
            ZoneInfo("UTC"),
            labels={"host": "h"},
            modules=MODULES,
            max_ledger=self.max_ledger,
            alertmanager=Alertmanager(urls=self.configured, min_visible=Duration(MIN_VISIBLE)),
        )

    def commit(self, update: Update) -> None:
        update.changes.cursors |= self.cursors.take_unsaved()
        self.ledger.commit(update.changes)
        self.store.adopt(update.changes)
        self.outbox.requeue(update.changes.alerts)
        if update.changes.lost:
            self.store.last_loss = self.now
        for name, alert in update.changes.alerts.items():
            if alert is None:
                self.lives[name] += 1
            elif alert.state in (State.OVER, State.REPORT) and alert.module != SUPERVISOR:
                episode = 0 if alert.state is State.REPORT else alert.episode
                self.must_be_seen.add((name, self.lives[name], episode))
            elif alert.state is State.RESOLVED and alert.module != SUPERVISOR:
                self.must_be_told.add((name, self.lives[name], alert.episode))

    # -- what happens ----------------------------------------------------------------------

    @rule(
        module=st.sampled_from(MODULES),
        seen=st.sets(st.sampled_from(INSTANCES)),
        event_type=st.sampled_from("WE"),
        message=st.sampled_from(["x", "y"]),
    )
    def see(self, module: Module, seen: set[str], event_type: str, message: str) -> None:
        self.truth[module.name] = {
            name: Condition("C", event_type, name, message) for name in sorted(seen)
        }
        self.run(module, tuple(self.truth[module.name].values()))

    @rule(module=st.sampled_from(MODULES))
    def report(self, module: Module) -> None:
        self.reports += 1
        kept = self.truth[module.name].values()
        self.run(module, (*kept, Report("R", f"report {self.reports}")))

    @rule(module=st.sampled_from(MODULES))
    def fail(self, module: Module) -> None:
        self.run(module, (), error="it broke")

    def run(self, module: Module, observations: tuple[Any, ...], error: str = "") -> None:
        run = Run(
            module=module.name,
            scheduled=self.now,
            started=self.now,
            seconds=0.1,
            observations=observations,
            error=error,
        )
        update = Update.begin(self.outbox, self.now)
        update.record(module, run, None)
        update.housekeep()
        update.end_stale_self_alerts()
        self.commit(update)
        self.outbox.confirm(module.name)
        self.time += 0.001

    @rule(step=st.sampled_from([0.5, 10.0, 61.0, 300.0, 1000.0, 4000.0, 90_000.0]))
    def pass_time(self, step: float) -> None:
        """Let time pass; housekeeping comes whenever it is due."""
        self.pass_some(step)

    @rule()
    def wait_until_due(self) -> None:
        """Let it become time for housekeeping, just as something else happens."""
        due = self.outbox.housekeeping.next()
        if due is not None and 0 < due - self.now < 100_000.0:
            self.time += due - self.now

    def pass_some(self, step: float) -> None:
        until = self.time + step
        while (due := self.outbox.housekeeping.next()) is not None and due - self.ahead <= until:
            self.time = max(self.time, due - self.ahead)
            self.housekeep()
        self.time = until

    def housekeep(self) -> None:
        update = Update.begin(self.outbox, self.now)
        update.housekeep()
        update.end_stale_self_alerts()
        if update.changes:
            self.commit(update)

    # -- delivery --------------------------------------------------------------------------

    @rule(url=st.sampled_from(PEERS), most=st.integers(1, 5))
    def post(self, url: str, most: int) -> None:
        """Send a batch; the answer comes in another step, or never."""
        if url in self.configured and url not in self.flights:
            batch = self.outbox.take_due(
                url, self.now, self.shift, max_alerts=most, max_bytes=1 << 20
            )
            if batch:
                self.flights[url] = [
                    Posted(item, self.lives[item.alert.fingerprint]) for item in batch
                ]

    @precondition(lambda self: self.flights)
    @rule(data=st.data(), taken=st.booleans(), answered=st.booleans())
    def answer(self, data: st.DataObject, taken: bool, answered: bool) -> None:
        url = data.draw(st.sampled_from(sorted(self.flights)))
        batch = self.flights.pop(url)
        for posted in batch if taken else ():
            self.peers[url].take(posted, self.time)
        if taken and answered:
            for posted in batch:
                self.outbox.delivered(url, posted.item, self.now)
        else:
            self.outbox.put_back(url, [posted.item for posted in batch], self.now)

    @precondition(lambda self: self.flights)
    @rule(data=st.data(), taken=st.booleans(), wait=st.floats(0.0, 60.0))
    def fail_alone(self, data: st.DataObject, taken: bool, wait: float) -> None:
        """The answer for one alert is lost; it is kept apart. The rest goes back to the queue."""
        url = data.draw(st.sampled_from(sorted(self.flights)))
        bad, *rest = self.flights.pop(url)
        if taken:
            self.peers[url].take(bad, self.time)
        self.outbox.put_back(url, [posted.item for posted in rest], self.now)
        if bad.item.alert.fingerprint in self.outbox.store.alerts:
            fingerprint = bad.item.alert.fingerprint
            self.outbox.queues[url].failed_alone(fingerprint, self.now + wait)

    @precondition(lambda self: self.flights)
    @rule(data=st.data())
    def refuse(self, data: st.DataObject) -> None:
        """The peer takes all but one alert, which it rejects as long as its body is the same."""
        url = data.draw(st.sampled_from(sorted(self.flights)))
        bad, *good = self.flights.pop(url)
        for posted in good:
            self.peers[url].take(posted, self.time)
            self.outbox.delivered(url, posted.item, self.now)
        self.outbox.rejected(url, bad.item)
        alert = bad.item.alert
        self.refused[alert.fingerprint] = alert.module, alert.instance

    # -- disasters -------------------------------------------------------------------------

    @rule(down=st.sampled_from([0.0, 30.0, 500.0, 5000.0]))
    def crash(self, down: float) -> None:
        """Kill -9: what is not committed is gone, cursors among it."""
        self.ledger.close()
        self.time += down
        self.start()

    @rule(by=st.sampled_from([0.5, 20.0, 3600.0, 86_400.0]), running=st.booleans())
    def set_the_clock_back(self, by: float, running: bool) -> None:
        self.ahead -= by
        if by <= MIN_STEP:
            self.unnoticed += by
        elif running:
            self.outbox.clock_was_set(-by)
            update = Update.begin(self.outbox, self.now)
            clock_set_back(update)
            self.commit(update)
        else:
            self.ledger.close()
            self.start()

    @rule(by=st.sampled_from([0.5, 20.0, 3600.0, 86_400.0]))
    def set_the_clock_ahead(self, by: float) -> None:
        """Only while it runs: who was down cannot tell this from time that has passed."""
        self.ahead += by
        if by > MIN_STEP:
            self.outbox.clock_was_set(by)
            self.commit(Update.begin(self.outbox, self.now))
        else:
            self.unnoticed += by
        self.housekeep()

    @rule(count=st.integers(1, 3))
    def change_peers(self, count: int) -> None:
        self.ledger.close()
        self.configured = PEERS[:count]
        self.start()

    # -- what must hold --------------------------------------------------------------------

    def compare_with_disk(self) -> None:
        """The ledger holds what the store does."""
        self.commit(Update.begin(self.outbox, self.now))
        again = Outbox.of(self.service())
        reader = Ledger(Path(self.directory.name, "ledger"))
        again.restore(reader.load())
        reader.close()

        assert again.store.alerts == self.store.alerts
        assert {name: group for name, group in again.store.sightings.items() if group} == {
            name: group for name, group in self.store.sightings.items() if group
        }
        assert {url: known for url, known in again.cursors.known.items() if known} == {
            url: known for url, known in self.cursors.known.items() if known
        }
        assert not again.cursors.has_unsaved

    def settle(self) -> None:
        """Every module runs, every peer answers, until nothing is owed to anyone."""
        for url in list(self.flights):
            lost = [posted.item for posted in self.flights.pop(url)]
            self.outbox.put_back(url, lost, self.now)
        for number in range(60):
            for module in MODULES:
                seen = tuple(
                    # Another text, so that what was rejected is tried again.
                    evolve(condition, message=f"settled {number // 10}")
                    if (module.name, name) in self.refused.values()
                    else condition
                    for name, condition in self.truth[module.name].items()
                )
                self.run(module, seen)
            for url in self.configured:
                while batch := self.outbox.take_due(
                    url, self.now, self.shift, max_alerts=100, max_bytes=1 << 20
                ):
                    for item in batch:
                        posted = Posted(item, self.lives[item.alert.fingerprint])
                        self.peers[url].take(posted, self.time)
                        self.outbox.delivered(url, item, self.now)
            self.pass_some(30.0)

    def teardown(self) -> None:
        try:
            if self.has_started:
                self.compare_with_disk()
                self.settle()
                self.judge()
        finally:
            if self.has_started:
                self.ledger.close()
            self.directory.cleanup()

    def judge(self) -> None:
        firing = {name for name, alert in self.store.alerts.items() if alert.state is State.FIRING}
        reports = {name for name, alert in self.store.alerts.items() if alert.state is State.REPORT}

        seen = {name for name in firing if self.store.alerts[name].module != SUPERVISOR}
        assert len(seen) == sum(len(instances) for instances in self.truth.values())
        for url in self.configured:
            assert self.peers[url].active(self.time) - self.reports_of(url) == firing
        visible: dict[tuple[str, int, int], float] = defaultdict(float)
        for peer in self.peers.values():
            peer.look(self.time)
            for (name, life, episode), longest in peer.visible.items():
                for key in ((name, life, episode), (name, life, 0)):
                    visible[key] = max(visible[key], longest)
            if not self.ahead:
                assert all(len(bodies) == 1 for bodies in peer.bodies.values())
        for key in self.must_be_told:
            assert key in visible or key[0] in self.refused, "its end alone was told"
        for name, life, episode in self.must_be_seen:
            if name not in self.refused and name not in reports:
                assert visible[name, life, episode] >= MIN_VISIBLE - 0.01 - self.unnoticed

    def reports_of(self, url: str) -> set[str]:
        return {name for name, _ in self.peers[url].bodies}


class FullStoreMachine(StoreMachine):
    """The same with a ledger that holds a few alerts only."""

    max_ledger = 3000

    @invariant()
    def it_is_bounded(self) -> None:
        if self.has_started:
            alerts = self.store.alerts.values()
            own = sum(cost(alert) for alert in alerts if alert.event_type == "TE")
            # A note such as `last_confirmed` is added to what is there, whatever it takes.
            assert self.store.bytes == sum(cost(alert) for alert in alerts)
            assert self.store.bytes - own <= self.max_ledger + 60 * len(alerts)

    def settle(self) -> None:
        super().settle()
        self.truth = {name: {} for name in self.truth}
        super().settle()

    def judge(self) -> None:
        """What there was no room for was counted; at the end nothing that is over is active."""
        firing = {name for name, alert in self.store.alerts.items() if alert.state is State.FIRING}

        assert {self.store.alerts[name].event_type for name in firing} <= {"TE"}
        for url in self.configured:
            assert self.peers[url].active(self.time) - self.reports_of(url) == firing


@pytest.mark.timeout(3600 if LONG else 300)
@pytest.mark.parametrize("machine", [StoreMachine, FullStoreMachine])
def test_nothing_is_lost_and_nothing_over_stays(machine: type[StoreMachine]) -> None:
    run_state_machine_as_test(
        machine,
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
    service = Service(Path("X"), "X", ZoneInfo("UTC"), labels={"host": "h"}, modules=MODULES)
    outbox = Outbox.of(service)
    update = Update.begin(outbox, 1000.0)
    update.record(
        MODULES[0],
        Run(
            module="one",
            scheduled=1000.0,
            started=1000.0,
            seconds=0.1,
            observations=(Condition("C", "W", "a", "x"),),
        ),
        None,
    )
    outbox.store.adopt(update.changes)
    outbox.requeue(update.changes.alerts)
    (item,) = outbox.take_due("console", 1000.0, 0.0, max_alerts=10, max_bytes=1 << 20)
    peer.take(Posted(item, 0), 1000.0)
    ended = evolve(
        item, data=item.data.replace(b'"endsAt":"1970-01-01T00:20', b'"endsAt":"1970-01-01T00:16')
    )
    peer.take(Posted(ended, 0), 1010.0)

    assert peer.active(1010.0) == set()
    assert peer.visible[item.alert.fingerprint, 0, 1] < MIN_VISIBLE
