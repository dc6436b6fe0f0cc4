"""Several Alertmanagers that tell each other what they sent."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from attrs import define, field, frozen

from tests.simulation.alertmanager.alertmanager import Alertmanager
from tests.simulation.alertmanager.body import Answer
from tests.simulation.alertmanager.matcher import Matcher
from tests.simulation.alertmanager.notification import Notification
from tests.simulation.alertmanager.notification_log import Entry
from tests.simulation.alertmanager.settings import Settings
from tests.simulation.alertmanager.silences import Silence
from tests.simulation.alertmanager.timers import Timers


@frozen
class Delays:
    """Seconds that a cluster takes. These are what the real one takes by default."""

    peer_timeout: float = 15.0
    """How much longer each peer waits than the one before it."""
    gossip: float = 0.25
    """Until the others know what a peer has sent."""
    settle: float = 10.0
    """Until one that has started sends: five polls, each of ten gossip intervals."""
    detection: float = 5.0
    """Until the others take a peer for dead of which they hear nothing more."""
    reconnect: float = 10.0
    """Until peers that can reach each other again are one cluster."""


@define(eq=False)
class Member:
    """A peer, and how it sees the cluster."""

    alertmanager: Alertmanager
    order: int
    """How many were started before it: its name in the cluster begins with the time."""
    side: int = 0
    """Members of the same side reach each other."""
    seen: set[Member] = field(factory=set)
    """Others that it takes for alive."""

    @property
    def position(self) -> int:
        return sum(other.order < self.order for other in self.seen)

    def reaches(self, other: Member) -> bool:
        both_up = self.alertmanager.is_up and other.alertmanager.is_up
        return both_up and self is not other and self.side == other.side


@define
class Cluster:
    """Alertmanagers with the same settings. Each post goes to the peers that its sender chooses."""

    settings: Settings
    size: int
    started: float
    delays: Delays = field(factory=Delays)
    members: list[Member] = field(init=False, factory=list)
    _timers: Timers = field(init=False, factory=Timers)
    _sent: list[Notification] = field(init=False, factory=list)
    _starts: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        for number in range(self.size):
            alertmanager = Alertmanager(self.settings, self.started, f"peer-{number}")
            member = Member(alertmanager, 0)
            alertmanager.peering.wait = partial(self._wait, member)
            self.members.append(member)
            self._join(member, self.started)

    def post(self, peer: int, alerts: object, now: float) -> Answer:
        """Take the body of a POST to one peer."""
        self._run(now)
        return self._at(peer).post(alerts, now)

    def active(self, peer: int, now: float) -> list[dict[str, Any]]:
        self._run(now)
        return self._at(peer).active(now)

    def next_event(self) -> float | None:
        """Return when `advance` has something to do; None if that is never."""
        times = [each.alertmanager.next_event() for each in self.members]
        return min((at for at in [*times, self._timers.next] if at is not None), default=None)

    def advance(self, now: float) -> list[Notification]:
        """Return all that was sent until now and not returned before, in order."""
        self._run(now, with_now=True)
        sent = sorted(self._sent, key=attrgetter("at"))
        self._sent.clear()
        return sent

    def silence(
        self,
        peer: int,
        matchers: Sequence[Matcher],
        *,
        starts_at: float,
        ends_at: float,
        now: float,
    ) -> Silence:
        self._run(now)
        silence = self._at(peer).silence(matchers, starts_at=starts_at, ends_at=ends_at, now=now)
        self._tell(self.members[peer], [silence], now)
        return silence

    def expire_silence(self, peer: int, silence_id: str, now: float) -> None:
        self._run(now)
        self._tell(self.members[peer], [self._at(peer).expire_silence(silence_id, now)], now)

    def stop(self, peer: int, now: float) -> None:
        """End one with SIGTERM: it takes its leave."""
        self._run(now)
        self._at(peer).stop(now)
        self._timers.set(now + self.delays.gossip, self._detect)

    def kill(self, peer: int, now: float) -> None:
        """End one with SIGKILL: the others detect it."""
        self._run(now)
        self._at(peer).kill(now)
        self._timers.set(now + self.delays.detection, self._detect)

    def start(self, peer: int, now: float) -> None:
        """Start one again: it joins those that it reaches, as the last one."""
        self._run(now)
        self._at(peer).start(now)
        self._join(self.members[peer], now)

    def part(self, sides: Sequence[Collection[int]], now: float) -> None:
        """Let only peers of the same side reach each other."""
        self._run(now)
        for number, side in enumerate(sides):
            for peer in side:
                self.members[peer].side = number
        self._timers.set(now + self.delays.detection, self._detect)

    def heal(self, now: float) -> None:
        """Let all reach each other."""
        self._run(now)
        for member in self.members:
            member.side = 0
        self._timers.set(now + self.delays.reconnect, self._reconnect)

    def _at(self, peer: int) -> Alertmanager:
        return self.members[peer].alertmanager

    def _wait(self, member: Member) -> float:
        return member.position * self.delays.peer_timeout

    def _run(self, now: float, *, with_now: bool = False) -> None:
        """Do what is due before now, or also what is due now, in the order of time."""
        while (at := self.next_event()) is not None and (at < now or (with_now and at == now)):
            self._timers.run_until(at)
            for member in self.members:
                if member.alertmanager.is_up:
                    self._sent += member.alertmanager.advance(at)
                    self._tell(member, member.alertmanager.take_written(), at)

    def _tell(self, member: Member, news: Sequence[Entry | Silence], now: float) -> None:
        """Gossip: those that do not reach the member do not hear it."""
        for other in self.members if news else ():
            if member.reaches(other):
                self._timers.set(now + self.delays.gossip, partial(self._hear, other, news))

    def _hear(self, member: Member, news: Sequence[Entry | Silence], now: float) -> None:
        if member.alertmanager.is_up:
            member.alertmanager.merge(news, now)

    def _join(self, member: Member, now: float) -> None:
        member.order = self._starts
        self._starts += 1
        member.alertmanager.peering.ready_at = now + self.delays.settle
        member.seen.clear()
        self._meet(member, now)

    def _detect(self, _now: float) -> None:
        for member in self.members:
            member.seen = {other for other in member.seen if member.reaches(other)}

    def _reconnect(self, now: float) -> None:
        for member in self.members:
            self._meet(member, now)

    def _meet(self, member: Member, now: float) -> None:
        """Exchange all that is known with those that the member reaches."""
        for other in filter(member.reaches, self.members):
            member.seen.add(other)
            other.seen.add(member)
            for teller, hearer in ((member, other), (other, member)):
                known = teller.alertmanager
                hearer.alertmanager.merge(known.entries(now), now)
                hearer.alertmanager.merge(known.silences(now), now)
