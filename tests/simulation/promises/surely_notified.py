"""Which conditions a peer has surely notified of, since it has held them for long enough."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field

from tests.simulation.events import ClockSet, Event, LifeBegan, LifeEnded, Posted
from tests.simulation.promises.module_truth import Change, Name
from tests.simulation.promises.post import NOISE, Post
from tests.simulation.promises.truth import Truth

CUT_OFF = 15.0
"""Exempt: seconds before the end of a life. What a peer took then may be forgotten."""


@define(eq=False)
class Held:
    """What one peer has of a condition."""

    first: float
    """When it took it first. It has held it since then."""

    last: float
    """When it took it last."""

    sure_since: float | None = None
    """When it had held it long enough."""


@define(eq=False)
class SurelyNotified:
    """Follows what the peers have taken of the present episodes."""

    truth: Truth
    _held: dict[tuple[str, Name], Held] = field(factory=dict)
    _peers: tuple[str, ...] = ()

    def hear(self, event: Event, changes: Iterable[Change]) -> None:
        """Take note of an event, after the truth has heard it."""
        weather = self.truth.weather
        for change in changes:
            for peer in weather.scenario.peers:
                self._held.pop((peer, change.name), None)
        if self.truth.has_lost_alerts or self._peers != weather.peers:
            self._held.clear()
            self._peers = weather.peers
        match event:
            case ClockSet() | LifeBegan() if weather.now < weather.clock_settled:
                self._held.clear()  # exempt: when a peer took it may be counted from another time
            case LifeEnded():
                latest = weather.now - CUT_OFF
                self._held = {
                    where: held
                    for where, held in self._held.items()
                    if held.sure_since is not None and held.sure_since < latest
                }
            case Posted(answered=True):
                self._take(event)

    def has_been(self, name: Name) -> bool:
        """Return whether any peer has notified of the present episode."""
        return not self.truth.is_open(name) and any(
            (held := self._held.get((peer, name))) is not None and held.sure_since is not None
            for peer in self._peers
        )

    def _take(self, event: Posted) -> None:
        weather = self.truth.weather
        post, settings, now = Post.of(event, weather), weather.scenario.settings, weather.now
        if post.name is None or not post.fires or now < weather.clock_settled:
            return
        held = self._held.get((event.peer, post.name))
        if held is None or now > held.last + 2 * settings.resend_interval:
            self._held[event.peer, post.name] = Held(now, now)
            return
        held.last = now
        if held.sure_since is None and now > held.first + settings.min_visible + NOISE:
            held.sure_since = now
