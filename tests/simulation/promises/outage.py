"""Whether each peer fails while something is owed, and since when. For the judge of the fallback.

Its time is that of `Weather`. The times that the supervisor keeps go with it: they move when the
clock is set, also while the host is suspended.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from attrs import define, field

from tests.simulation.events import (
    ClockSet,
    Event,
    Failed,
    FaultBegan,
    Fed,
    LifeBegan,
    LifeEnded,
    Posted,
    RunFinished,
)
from tests.simulation.messages import FallbackRead
from tests.simulation.promises.bounds import MAX_REQUEST, recovery
from tests.simulation.promises.module_truth import Change, Name
from tests.simulation.promises.post import Post
from tests.simulation.promises.truth import Truth
from tests.simulation.promises.weather import Weather
from tests.simulation.promises.windows import NOTICED
from tests.simulation.scenario import LastResort, Scenario

COMMIT = 10.0
"""Seconds in which something is on the disk, if the disk is well."""


@define(eq=False)
class Answer:
    """What a peer has said last."""

    at: float
    taken: bool | None
    """Whether it took something. None: it refused an alert, and that says nothing of others."""


@define(eq=False)
class Outage:
    """Follows the peers in force, and what no peer has taken."""

    scenario: Scenario
    weather: Weather = field(init=False)
    truth: Truth = field(init=False)

    table: LastResort | None = None
    """The table in force."""

    others: tuple[LastResort | None, ...] = ()
    """One that is about to be in force, and one that was just now."""

    since: float | None = None
    """Since when each peer has failed while something was owed, at the latest."""

    ready_since: float | None = None
    """Since when a digest could be sent. None: it need not be."""

    answered_at: float | None = None
    """When a peer took something last. None: never, or that is not known."""

    has_forgotten: bool = False
    """Whether the event heard last says that the supervisor may know nothing of earlier times."""

    changes: list[Change] = field(factory=list)
    """What the event heard last has changed."""

    last: dict[str, Answer] = field(factory=dict)
    """By peer, in this life."""

    _owed: dict[Name, int] = field(factory=dict)
    """What has certainly begun and no peer has taken: the life in which its module has run."""

    _pending: tuple[LastResort | None] | None = None
    """The table of a service file that is about to be in force."""

    _changed_at: float = -math.inf
    _slow_until: dict[str, float] = field(factory=dict)
    _set_at: float = -math.inf
    _ended_at: float = -math.inf
    _disk_was_well: bool = True

    def __attrs_post_init__(self) -> None:
        self.weather = Weather(self.scenario)
        self.truth = Truth(self.weather)

    def hear(self, event: Event) -> None:
        """Take note of an event, before the judge does."""
        weather, peers, self.has_forgotten = self.weather, self.weather.peers, False
        self.changes = self.truth.hear(event)
        for change in self.changes:
            self._change(change)
        if self.truth.has_lost_alerts:
            self._owed.clear()
        match event:
            case FallbackRead():
                self._read(event.fallback)
            case Fed() if self._pending is not None and "READY=1" in event.lines:
                self._put_in_force(*self._pending)
            case ClockSet():
                self._set_at = weather.now
            case FaultBegan(kind="peer_slow"):
                until = weather.now + event.seconds + MAX_REQUEST
                self._slow_until[event.target] = max(until, self._slow_until.get(event.target, 0.0))
            case LifeBegan():
                self._begin()
            case LifeEnded():
                self._end()
            case RunFinished():
                for name in self._owed:
                    if name.module == event.module:
                        self._owed[name] = weather.life
            case Failed():
                self.last[event.peer] = Answer(weather.now, False)
            case Posted():
                self._post(event)
        if peers != weather.peers:
            self.last = {peer: self.last[peer] for peer in peers if peer in self.last}
        if not any(self._names()):
            self.since = None
        elif self.since is None and self._each_peer_fails():
            self.since = weather.now

    def look(self) -> None:
        """Find out whether a digest could be sent. Called from time to time."""
        if self._pending is None and self.weather.now > self._changed_at + COMMIT:
            self.others = ()
        if not self._is_ready():
            self.ready_since = None
        elif self.ready_since is None:
            self.ready_since = self.weather.now

    @property
    def is_calm(self) -> bool:
        """Whether nothing keeps the supervisor from what it does in time."""
        weather = self.weather
        return (
            weather.is_up
            and self.table is not None
            and not self.others
            and not weather.is_recorder_stuck
            and weather.now > max(weather.clock_settled, weather.disk_settled)
        )

    def takes_alerts(self, peer: str) -> bool:
        """Return whether a peer took what it was sent last, and the supervisor knows that."""
        weather, last = self.weather, self.last.get(peer)
        return (
            last is not None
            and bool(last.taken)
            and last.at < weather.now - COMMIT
            and weather.now > max(weather.disk_settled, self._slow_until.get(peer, 0.0))
            and not weather.is_stuck(peer)
        )

    def _change(self, change: Change) -> None:
        module = change.name.module
        self._owed.pop(change.name, None)
        is_free = self.weather.windows.hold(module, change.began) is False
        if change.fires and change.is_certain and is_free:
            self._owed[change.name] = self.weather.life

    def _post(self, event: Posted) -> None:
        now = self.weather.now
        self.last[event.peer] = Answer(now, None if event.refused else event.answered)
        if event.answered:
            self.since, self.answered_at = None, now
        if event.answered or event.refused:
            name = Post.of(event, self.weather).name
            if name is not None:
                self._owed.pop(name, None)

    def _read(self, table: LastResort | None) -> None:
        if self.weather.read is None:
            self._put_in_force(table)
        else:
            self._pending = (table,)
            self.others = (*self.others, table)

    def _put_in_force(self, table: LastResort | None) -> None:
        self._pending, self.others = None, ()
        if table != self.table:
            self.others, self._changed_at = (self.table,), self.weather.now
        self.table = table
        if table is None:
            self.forget()

    def forget(self) -> None:
        """Know nothing of what was before, as the supervisor."""
        self.since = self.answered_at = self.ready_since = None
        self.has_forgotten = True

    def _begin(self) -> None:
        """Exempt: a ledger that is lost, and a clock that was set while nothing noticed it."""
        was_set = self._set_at > self._ended_at - NOTICED
        if self.weather.is_ledger_lost or was_set or not self._disk_was_well:
            self.forget()
        self.others, self._pending = (), None

    def _end(self) -> None:
        """Exempt: what may not be on the disk yet."""
        weather = self.weather
        self._ended_at, self._disk_was_well = weather.now, weather.now > weather.disk_settled
        if self.since is not None and weather.now - self.since < recovery(self.scenario.settings):
            self.since = None
        if self.answered_at is not None and weather.now - self.answered_at < COMMIT:
            self.answered_at = None
        self.ready_since = None
        self.last.clear()

    def _names(self) -> Iterator[Name]:
        """Yield what is owed and worth it."""
        types = () if self.table is None else self.table.event_types
        return (name for name in self._owed if name.kind in types)

    def _each_peer_fails(self) -> bool:
        peers = self.weather.peers
        return bool(peers) and all(
            peer in self.last and self.last[peer].taken is False for peer in peers
        )

    def _is_ready(self) -> bool:
        weather = self.weather
        return (
            self.is_calm
            and self.since is not None
            and self._each_peer_fails()
            and not any(weather.is_stuck(peer) for peer in weather.peers)
            and any(self._is_certain(name) for name in self._names())
        )

    def _is_certain(self, name: Name) -> bool:
        weather = self.weather
        return (
            name.module in weather.modules
            and self._owed[name] == weather.life
            and not self.truth.is_open(name)
            and not any(weather.is_poisoned(peer, name.instance) for peer in weather.peers)
            and weather.windows.hold(name.module, weather.windows.now) is False
        )
