"""Promise 1, the other half: an end is told to each peer that is well, and not too early."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import define, field

from tests.simulation.events import Event, Posted
from tests.simulation.promises.bounds import PROMPT, ROUNDING, recovery
from tests.simulation.promises.finding import Finding
from tests.simulation.promises.module_truth import Change, Name
from tests.simulation.promises.post import Post
from tests.simulation.promises.truth import Truth
from tests.simulation.promises.weather import Weather
from tests.simulation.scenario import Scenario

RESOLVED_FOR = 900.0
"""Seconds for which an end is sent. A peer that is well later does not get it any more."""

IN_FLIGHT = 75.0
"""Seconds for which a request may have been under way."""

LOOK_INTERVAL = 10.0


@define(eq=False)
class Held:
    """What one peer holds of one condition."""

    since: float
    """When it said first that it took what fires."""
    ends: float
    """By the peer's clock."""

    @property
    def lasted(self) -> float:
        """Seconds for which the peer has held it when it runs out."""
        return self.ends - self.since


@define(eq=False)
class End:
    """Something has ended."""

    at: float
    is_known: bool
    """Whether a peer said in its time that it took it. Then its end may be told at once."""
    is_exempt: bool = False
    """Whether it is not known when it fired."""
    is_told: bool = False
    was_shown: bool = False
    """Whether it ran out at a peer that had held it for long enough."""


@define(eq=False)
class the_end_is_told:  # noqa: N801 - judges are named as what they judge
    """Compares what has ended with what each peer holds."""

    scenario: Scenario
    weather: Weather = field(init=False)
    truth: Truth = field(init=False)
    began: dict[Name, Change] = field(factory=dict)
    ended: dict[Name, End] = field(factory=dict)
    held: dict[Name, dict[str, Held]] = field(factory=dict)
    """By condition and peer: what fires there."""
    doubtful: set[Name] = field(factory=set)
    """What a peer was told the end of while it was not known whether the run was committed."""
    _look_at: float = 0.0

    def __attrs_post_init__(self) -> None:
        self.weather = Weather(self.scenario)
        self.truth = Truth(self.weather)

    def hear(self, event: Event) -> Iterable[Finding]:
        """Find ends that are told too early, and look from time to time what peers hold."""
        for change in self.truth.hear(event):
            self._change(change)
        if self.truth.has_lost_alerts:
            self.lose_alerts()
        if isinstance(event, Posted):
            yield from self._take(event)
        if self.weather.now >= self._look_at:
            self._look_at = self.weather.now + LOOK_INTERVAL
            yield from self._look(event.at)

    def at_the_end(self, at: float) -> Iterable[Finding]:
        """Look once more."""
        yield from self._look(at)

    def lose_alerts(self) -> None:
        """Exempt: what was lost with the ledger is not resolved."""
        self.began.clear()
        self.ended.clear()
        self.held.clear()

    def _change(self, change: Change) -> None:
        is_told = change.name in self.doubtful
        self.doubtful.discard(change.name)
        if change.fires:
            self.began[change.name] = change
            self.ended.pop(change.name, None)
            return
        began = self.began.pop(change.name, None)
        held = self.held.get(change.name, {})
        self.ended[change.name] = End(
            at=self.weather.now,
            is_known=bool(held),
            is_exempt=began is None or not began.is_certain or not change.is_certain,
            is_told=is_told,
        )

    def _take(self, event: Posted) -> Iterator[Finding]:
        post = Post.of(event, self.weather)
        name = post.name
        if name is None:
            return
        if post.fires is None:
            # Exempt: with wrong clocks it cannot be told when a peer drops it.
            self.began.pop(name, None)
            if name in self.ended:
                self.ended[name].is_exempt = True
            return
        if not post.fires:
            yield from self._judge_too_early(event, name)
            if event.taken or event.refused:
                self.held.get(name, {}).pop(event.peer, None)
            return
        if not event.answered:
            return
        held = self.held.setdefault(name, {})
        known = held.get(event.peer)
        if known is None or known.ends < self.weather.now_at(event.peer, event.at):
            held[event.peer] = Held(self.weather.now, post.ends)
        else:
            known.ends = post.ends

    def _judge_too_early(self, event: Posted, name: Name) -> Iterator[Finding]:
        end, now = self.ended.get(name), self.weather.now
        if end is None and self.truth.is_open(name):
            self.doubtful.add(name)
        if end is None or end.is_told:
            return
        end.is_told = True
        if end.is_known or end.was_shown or end.is_exempt or self.truth.is_open(name):
            return
        held = [now - at.since for at in self.held.get(name, {}).values()]
        needed = self.scenario.settings.min_visible
        longest, shortest = max(held, default=0.0), min(held, default=0.0)
        if shortest < needed - 1.0 and longest < 2 * needed - 1.0:
            yield Finding(
                type(self).__name__,
                event.at,
                f"{event.peer} was told the end of {name}, which peers have held for "
                f"{longest:.3f} s, and which no peer took in its time",
            )

    def _look(self, at: float) -> Iterator[Finding]:
        settings = self.scenario.settings
        for name, end in [*self.ended.items()]:
            held = self.held.get(name, {})
            if end.at + IN_FLIGHT > self.weather.now:
                continue
            if not held and end.is_told and end.at + 2 * RESOLVED_FOR < self.weather.now:
                del self.ended[name]
            for peer in [*held]:
                if held[peer].ends < self.weather.now_at(peer, at):
                    end.was_shown |= held[peer].lasted >= settings.min_visible - 1.0
                    del held[peer]  # it has run out there, so there is nothing to tell
                elif self._is_late(peer, name, end):
                    del held[peer]
                    late = self.weather.now - end.at
                    yield Finding(
                        type(self).__name__,
                        at,
                        f"{peer} still shows {name}, which ended {late:.0f} s ago; "
                        f"min_visible is {settings.min_visible:.0f} s",
                    )

    def _is_late(self, peer: str, name: Name, end: End) -> bool:
        settings, now = self.scenario.settings, self.weather.now
        if end.is_exempt or self.truth.is_open(name):
            return False
        if self.weather.is_poisoned(peer, name.instance):
            return False
        shown = 0.0 if end.is_known and self._knows(end) else 2 * settings.min_visible
        well_since = now - self.weather.well_for(peer)
        by = max(end.at, well_since + recovery(settings)) + shown + PROMPT + ROUNDING
        return by < end.at + RESOLVED_FOR and now > by and now > end.at + IN_FLIGHT + shown

    def _knows(self, end: End) -> bool:
        """Return whether the supervisor cannot have forgotten what the peers took."""
        return self.weather.up_since < end.at and self.weather.disk_settled < end.at
