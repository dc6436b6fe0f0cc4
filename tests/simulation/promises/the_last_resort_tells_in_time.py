"""Promise 11: if no peer takes anything, each channel tells it in time, once, and only then.

That the supervisor has a fallback costs nothing else: the other promises judge that as ever.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from attrs import define, field

from tests.simulation.channels import CHANNEL_WEATHER
from tests.simulation.check import CONDITION
from tests.simulation.events import Event, FaultBegan, LifeEnded, Posted, RunSeen
from tests.simulation.messages import MessageBegan, MessageEnded, MessageTaken
from tests.simulation.promises.bounds import PROMPT, recovery
from tests.simulation.promises.finding import Finding
from tests.simulation.promises.module_truth import Name
from tests.simulation.promises.outage import COMMIT, Outage
from tests.simulation.promises.surely_notified import SurelyNotified
from tests.simulation.promises.told_by_a_channel import ToldByAChannel
from tests.simulation.scenario import LastResort, Scenario

SPREAD_PART = 6
"""The longest spread is `every` divided by this."""

LOOK_INTERVAL = 10.0
"""Seconds between two looks at what should have been told by now."""

DIGEST = "digest."
"""How the identity of a digest begins."""


@define(eq=False)
class the_last_resort_tells_in_time:  # noqa: N801 - judges are named as what they judge
    """Compares what each channel is given with what the peers take."""

    scenario: Scenario
    outage: Outage = field(init=False)
    notified: SurelyNotified = field(init=False)
    told: defaultdict[str, ToldByAChannel] = field(factory=lambda: defaultdict(ToldByAChannel))
    """By channel."""
    seen: set[tuple[str, str]] = field(factory=set)
    """Modules and instances that a run has ever seen."""
    _look_at: float = 0.0
    """When the next look is due."""

    def __attrs_post_init__(self) -> None:
        self.outage = Outage(self.scenario)
        self.notified = SurelyNotified(self.outage.truth)

    @property
    def now(self) -> float:
        """Monotonic seconds."""
        return self.outage.weather.now

    def hear(self, event: Event) -> Iterable[Finding]:
        """Find what is told too early, twice, in vain, or not at all."""
        if self.scenario.last_resort is None:
            return
        self.outage.hear(event)
        self.notified.hear(event, self.outage.changes)
        if self.outage.has_forgotten:
            for told in self.told.values():
                told.forget(self.now)
        for what in self._complaints(event):
            yield Finding(type(self).__name__, event.at, what)
        if self.now >= self._look_at:
            self._look_at = self.now + LOOK_INTERVAL
            self.outage.look()
            for what in self._look():
                yield Finding(type(self).__name__, event.at, what)

    def at_the_end(self, at: float) -> Iterable[Finding]:
        """Everything was judged before."""
        return ()

    def _complaints(self, event: Event) -> Iterator[str]:
        match event:
            case RunSeen():
                self.seen |= {(event.module, instance) for instance in event.conditions}
            case FaultBegan() if event.kind in CHANNEL_WEATHER:
                told = self.told[event.target]
                told.well_at = max(told.well_at, self.now + event.seconds)
            case LifeEnded():
                for told in self.told.values():
                    told.end_life(self.now)
            case Posted(answered=True):
                for told in self.told.values():
                    told.peer_answers(self.now)
            case MessageBegan():
                told = self.told[event.channel]
                if what := told.repeats(event.identity):
                    yield f"{event.channel}: {what}"
                judged = self._digest if event.identity.startswith(DIGEST) else self._end
                for what in judged(event, told):
                    yield f"{event.channel}: {what}"
                told.begin(event.identity, self.now)
            case MessageTaken():
                told = self.told[event.channel]
                if event.identity.startswith(DIGEST):
                    yield from self._two_digests(event, told)
            case MessageEnded():
                self.told[event.channel].end(event.identity, event.fate, self.now)

    def _digest(self, event: MessageBegan, told: ToldByAChannel) -> Iterator[str]:
        """Judge a try of a digest."""
        for peer in self.outage.weather.peers:
            if self.outage.takes_alerts(peer):
                yield f"a digest is sent, and {peer} takes alerts"
        answered = self.outage.answered_at
        if event.identity != told.digest and answered is not None:
            waited, after = self.now - answered, min(each.after for each in self._tables())
            if waited < after - COMMIT:
                yield f"a digest is sent {waited:.0f} s after a peer has taken something"
        if not event.alerts and self.outage.is_calm:
            yield "a digest is sent, and nothing is owed"
        for alert in event.alerts:
            kind, _, rest = alert.partition(" ")
            if all(kind not in table.event_types for table in self._tables()):
                yield f"a digest tells of {alert}, which is not worth it"
            name, _, instance = rest.partition(" ")
            if name == CONDITION and not self._may_be_owed(instance, kind):
                yield f"a digest tells of {alert}, of which a peer has surely notified"

    def _end(self, event: MessageBegan, told: ToldByAChannel) -> Iterator[str]:
        """Judge a try to tell that a peer answers again."""
        if told.may_know is False:
            yield f"{event.identity} tells the end of an outage that was not told"
        elif told.digest_at is not None and not told.has_answered:
            yield f"{event.identity} tells that a peer answers, and none has since the digest"

    def _two_digests(self, event: MessageTaken, told: ToldByAChannel) -> Iterator[str]:
        every = min(each.every for each in self._tables())
        before = told.take(event.identity, is_certain=self._is_disk_well())
        if before is not None and before < every - COMMIT:
            yield f"{event.channel}: two digests are sent within {before:.0f} s"

    def _is_disk_well(self) -> bool:
        return self.now > self.outage.weather.disk_settled

    def _tables(self) -> list[LastResort]:
        """Return the table that is in force, or those that may be."""
        tables = [self.outage.table, *self.outage.others]
        return [each for each in tables if each is not None] or [LastResort(after=0.0, every=0.0)]

    def _may_be_owed(self, instance: str, kind: str) -> bool:
        """Return whether any module has such a condition of which no peer has surely notified."""
        return any(
            (module.name, instance) in self.seen
            and not self.notified.has_been(Name(module.name, instance, kind))
            for module in self.scenario.modules
        )

    def _look(self) -> Iterator[str]:
        """Find what should have been told."""
        table = self.outage.table
        if table is None or not self.outage.is_calm:
            self._give_time()
            return
        bound = recovery(self.scenario.settings) + PROMPT
        for channel in table.channels:
            told = self.told[channel]
            if self.outage.ready_since is not None and self.outage.since is not None:
                due = self.outage.since + table.after + table.every / SPREAD_PART
                due = max(due, self.outage.ready_since, told.next_digest(table.every)) + bound
                if self.now > due:
                    told.counts_at = self.now
                    lasts = f"for {self.now - self.outage.since:.0f} s"
                    yield f"{channel}: no peer takes anything {lasts}, and no digest comes"
            if not self._is_any_peer_well():
                told.waits_since = self.now
            elif told.owes_end_at is not None:
                due = max(told.owes_end_at, told.waits_since, told.next_try(table.every)) + bound
                if self.now > due:
                    told.owes_end_at = None
                    yield f"{channel}: a peer takes alerts again, and that is not told"

    def _give_time(self) -> None:
        for told in self.told.values():
            told.waits_since = self.now

    def _is_any_peer_well(self) -> bool:
        last = [self.outage.last.get(peer) for peer in self.outage.weather.peers]
        known = [each.taken for each in last if each is not None]
        return any(known) and all(known)
