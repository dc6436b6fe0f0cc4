"""What begins in a maintenance window is not told before it has settled, and then as it was.

That it is told then, what_was_seen_is_not_lost judges. What fired before goes on, and ends pass:
the other promises judge that as ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from attrs import define, field

from tests.simulation.events import ClockSet, Event, LifeEnded, Posted
from tests.simulation.promises.bounds import PROMPT, recovery
from tests.simulation.promises.finding import Finding
from tests.simulation.promises.module_truth import Change, Name
from tests.simulation.promises.post import Post
from tests.simulation.promises.truth import Truth
from tests.simulation.promises.weather import Weather
from tests.simulation.scenario import Scenario

OWN = "supervisor"
"""The label `check` of the supervisor's own alerts."""

MARGIN = 1.0
"""Seconds by which the clock may drift between two runs, or by which a time is rounded."""

COMMIT = 10.0
"""Seconds from the end of a run to its commit, with that of the run before."""

LOOK_INTERVAL = 10.0


@define(eq=False)
class Begun:
    """A condition that has begun while a window held it, by the clock of the host."""

    clock: float
    """When the run saw it."""
    latest: float
    """When that run was committed at the latest."""
    names: frozenset[str]
    """The windows, of which one has held it."""
    gone: float | None = None
    """When a run saw that it was gone, while the window held it still."""


@define(eq=False)
class a_window_holds_what_begins:  # noqa: N801 - judges are named as what they judge
    """Compares what is sent with the windows of the service file."""

    scenario: Scenario
    weather: Weather = field(init=False)
    truth: Truth = field(init=False)
    zone: ZoneInfo = field(init=False)
    begun: dict[Name, Begun] = field(factory=dict)
    """The last episode of each condition, if a window has held it."""
    heartbeats: dict[str, float] = field(factory=dict)
    """When each peer was sent the heartbeat last."""
    _look_at: float = 0.0

    def __attrs_post_init__(self) -> None:
        self.weather = Weather(self.scenario)
        self.truth = Truth(self.weather)
        self.zone = ZoneInfo(self.scenario.settings.timezone)

    def hear(self, event: Event) -> Iterable[Finding]:
        """Find what is told too early, at all, or in other words."""
        if not self.scenario.maintenance:
            return
        for change in self.truth.hear(event):
            self._change(change)
        if self.truth.has_lost_alerts or isinstance(event, ClockSet):
            self.begun.clear()  # exempt: what was lost begins again, and starts may be moved
        if isinstance(event, Posted):
            for what in self._complaints(event):
                yield Finding(type(self).__name__, event.at, f"{event.peer}: {what}: {event.alert}")
        elif isinstance(event, LifeEnded):
            self.heartbeats.clear()
        if self.weather.now >= self._look_at:
            self._look_at = self.weather.now + LOOK_INTERVAL
            yield from self._look(event.at)

    def at_the_end(self, at: float) -> Iterable[Finding]:
        """Everything was judged before."""
        return ()

    def _change(self, change: Change) -> None:
        windows, module = self.weather.windows, change.name.module
        begun = self.begun.pop(change.name, None)
        if not change.is_certain:
            return
        if change.fires:
            latest = change.began + self.truth.modules[module].script.timeout + COMMIT
            if windows.hold(module, change.began, latest):
                names = windows.names(module, change.began) | windows.names(module, latest)
                self.begun[change.name] = Begun(change.began, latest, frozenset(names))
        elif begun is not None and windows.hold(module, begun.clock, windows.now + MARGIN):
            begun.gone = windows.now
            self.begun[change.name] = begun

    def _complaints(self, event: Posted) -> Iterator[str]:
        labels, notes = event.alert["labels"], event.alert["annotations"]
        module = labels["check"]
        if module == OWN:
            if labels["alertname"] == "Heartbeat":
                self.heartbeats[event.peer] = self.weather.now
            if "held" in notes:
                yield "the supervisor's own alerts are never held"
            return
        post, windows = Post.of(event, self.weather), self.weather.windows
        start = self._start(post, event.peer)
        is_report = bool(labels.get("event_id"))
        if start > windows.now:
            return  # exempt: the clock was set back, and that is not noticed yet
        if windows.hold(module, start, windows.now + MARGIN, reports=is_report):
            yield "a window holds this"
        elif is_report:
            names = windows.names(module, start)
            if windows.hold(module, start, start, reports=True) and notes.get("held") not in names:
                yield f"it does not say which of {sorted(names)} has held it"
        elif post.name in self.begun and not self.truth.is_open(post.name):
            yield from self._judge_held(self.begun[post.name], start, notes.get("held"))

    def _judge_held(self, begun: Begun, start: float, note: str | None) -> Iterator[str]:
        """Judge what has begun in a window and is told after it."""
        if start < begun.clock - MARGIN:
            return  # exempt: no peer has had an earlier episode, and the two have become one
        if begun.gone is not None:
            if start <= begun.gone:
                yield "this came and went while a window held it"
        elif start > begun.latest:
            yield f"the start is {start - begun.clock:.0f} s after the run that saw it"
        elif note not in begun.names:
            yield f"it does not say which of {sorted(begun.names)} has held it"

    def _look(self, at: float) -> Iterator[Finding]:
        """Find late starts, and a heartbeat that is missing."""
        settings = self.scenario.settings
        if not settings.heartbeat:
            return
        longest = recovery(settings) + settings.resend_interval + PROMPT
        for peer in self.weather.peers:
            since = self.weather.now - self.heartbeats.get(peer, self.weather.up_since)
            if self.weather.well_for(peer) > longest and since > longest:
                self.heartbeats[peer] = self.weather.now
                what = f"{peer} was sent no heartbeat for {since:.0f} s"
                yield Finding(type(self).__name__, at, what)

    def _start(self, post: Post, peer: str) -> float:
        """Return the start by the clock of the host.

        While times are shifted for a peer, it is that in words: the earlier one, if two fit.
        """
        if self.weather.are_clocks_right(peer) and not self.weather.is_shifted(peer):
            return post.starts
        return datetime.fromisoformat(post.begins).replace(tzinfo=self.zone).timestamp()
