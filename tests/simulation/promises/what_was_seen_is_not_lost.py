"""Promise 1: what a finished run saw is not lost, and each peer that is well is told of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import define, field, frozen

from tests.simulation.events import Event, Posted, RunFinished, RunSeen
from tests.simulation.promises.bounds import PROMPT, recovery
from tests.simulation.promises.finding import Finding
from tests.simulation.promises.module_truth import Change, Name
from tests.simulation.promises.post import Post
from tests.simulation.promises.truth import Truth
from tests.simulation.promises.weather import Weather
from tests.simulation.scenario import Scenario

LET_GO = PROMPT + 5.0
"""Seconds after a window in which peers that are well are told what it has held."""

LOOK_INTERVAL = 10.0
"""Seconds between two looks at what every peer must have."""


@define(eq=False)
class Told:
    """What one peer has taken of one condition."""

    at: float
    """When. Minus 1 if it was taken as something that has ended."""
    ends: float
    """By the peer's clock."""
    is_refused: bool = False
    """Exempt: it refuses the alert. It is sent again when it changes, and not before."""


@frozen
class Firing:
    """It is committed that something fires."""

    since: float
    by: float
    """When a peer that is well must have been told."""
    is_held: bool = False
    """Whether a window may have held it when it began."""


@define(eq=False)
class Report:
    """A report that is committed, and that peers must get."""

    since: float
    module: str
    is_held: bool = False
    """Whether a window has held it when it was committed."""
    told: set[str] = field(factory=set)
    """The peers that took it, or refuse it."""


@define(eq=False)
class what_was_seen_is_not_lost:  # noqa: N801 - judges are named as what they judge
    """Compares what fires with what each peer has."""

    scenario: Scenario
    weather: Weather = field(init=False)
    truth: Truth = field(init=False)
    fires: dict[Name, Firing] = field(factory=dict)
    told: dict[tuple[str, Name], Told] = field(factory=dict)
    reports: dict[str, Report] = field(factory=dict)
    _look_at: float = 0.0

    def __attrs_post_init__(self) -> None:
        self.weather = Weather(self.scenario)
        self.truth = Truth(self.weather)

    def hear(self, event: Event) -> Iterable[Finding]:
        """Find runs that are lost, and look from time to time what peers have."""
        for change in self.truth.hear(event):
            self._change(change)
        if self.truth.has_lost_alerts:
            self.lose_alerts()
        if self.truth.lost:
            yield self._finding(event.at, self.truth.lost.pop())
        match event:
            case Posted():
                yield from self._take(event)
            case RunFinished() if event.module in self.truth.modules:
                self._note_reports(self.truth.modules[event.module].last)
        if self.weather.now >= self._look_at:
            self._look_at = self.weather.now + LOOK_INTERVAL
            yield from self._look(event.at)

    def at_the_end(self, at: float) -> Iterable[Finding]:
        """Look once more."""
        yield from self._look(at)

    def lose_alerts(self) -> None:
        """Exempt: the ledger was full or is lost, and reports with it."""
        self.reports.clear()

    def _finding(self, at: float, what: str) -> Finding:
        return Finding(type(self).__name__, at, what)

    def _change(self, change: Change) -> None:
        if change.fires:
            # If it may have fired before, peers have it and get it again after an interval.
            around = 0.0 if change.is_certain else self.scenario.settings.resend_interval + PROMPT
            now = self.weather.now
            held = self.weather.windows.hold(change.name.module, change.began) is not False
            self.fires[change.name] = Firing(now - around, now + around + PROMPT, held)
        else:
            self.fires.pop(change.name, None)
        for peer in self.scenario.peers:
            told = self.told.get((peer, change.name))
            if told is not None:
                told.is_refused = False

    def _note_reports(self, run: RunSeen | None) -> None:
        if run is not None and self.truth.modules[run.module].committed == run.number:
            held = self.weather.windows.hold(run.module, run.clock, reports=True)
            if held is None or self.truth.is_overflown:
                return  # exempt: it is not known when its time begins, or whether there was room
            for token in run.reports:
                self.reports.setdefault(token, Report(self.weather.now, run.module, held))

    def _take(self, event: Posted) -> Iterator[Finding]:
        if not (event.taken or event.refused):
            return
        post = Post.of(event, self.weather)
        if post.token in self.reports:
            self.reports[post.token].told.add(event.peer)
        if post.name is None:
            return
        before = self.told.get((event.peer, post.name))
        # An end that was under way when it fired again counts for nothing.
        moment = -1.0 if post.fires is False else self.weather.now
        refused = event.refused and post.fires is not False
        self.told[event.peer, post.name] = Told(moment, post.ends, refused)
        if before is not None and post.fires and not event.refused:
            yield from self._has_lapsed(event.peer, post.name, before, event.at)

    def _look(self, at: float) -> Iterator[Finding]:
        for peer in self.weather.peers:
            well = self.weather.well_for(peer)
            if well > recovery(self.scenario.settings) + PROMPT:
                yield from self._look_at_conditions(peer, at)
                yield from self._look_at_reports(peer, at)
        if len(self.reports) > 1000:
            self.reports.pop(next(iter(self.reports)))

    def _look_at_conditions(self, peer: str, at: float) -> Iterator[Finding]:
        for name, firing in self.fires.items():
            told = self.told.get((peer, name))
            if self._is_exempt(peer, name, told):
                continue
            if firing.is_held and self._is_held(name.module):
                continue
            if (told is None or told.at < firing.since) and self.weather.now > firing.by:
                late = self.weather.now - firing.since
                yield self._finding(at, f"{peer} was not told for {late:.0f} s that {name} fires")
            elif told is not None:
                yield from self._has_lapsed(peer, name, told, at)

    def _has_lapsed(self, peer: str, name: Name, told: Told, at: float) -> Iterator[Finding]:
        """What fires must not run out at a peer between two sendings."""
        firing = self.fires.get(name)
        if firing is None or told.at < firing.since or self._is_exempt(peer, name, told):
            return
        needs = recovery(self.scenario.settings) + self.scenario.settings.resend_interval
        if self.weather.well_for(peer) < needs:
            return
        if told.ends < self.weather.now_at(peer, at):
            late = self.weather.now_at(peer, at) - told.ends
            yield self._finding(at, f"{name} has run out at {peer} {late:.0f} s ago, and fires")

    def _is_exempt(self, peer: str, name: Name, told: Told | None) -> bool:
        return (
            self.truth.is_open(name)
            or (told is not None and told.is_refused)
            or self.weather.is_poisoned(peer, name.instance)
        )

    def _is_held(self, module: str, *, reports: bool = False) -> bool:
        """Return whether a window holds something, or did so just now, or a disk still does."""
        weather, since = self.weather, self.weather.windows.now - LET_GO
        return (
            weather.is_recorder_stuck
            or weather.now < weather.disk_settled + LET_GO
            or weather.windows.hold(module, since, reports=reports) is not False
        )

    def _look_at_reports(self, peer: str, at: float) -> Iterator[Finding]:
        for token, report in [*self.reports.items()]:
            if report.is_held and self._is_held(report.module, reports=True):
                report.since = self.weather.now
            if self.weather.now < report.since + PROMPT:
                continue
            if peer not in report.told and self._must_know(report, peer):
                yield self._finding(at, f"{peer} was never told of report {token}")
                report.told.add(peer)
            elif report.told >= {*self.weather.peers}:
                del self.reports[token]

    def _must_know(self, report: Report, peer: str) -> bool:
        """A report ends. A peer that was not well before its end does not get it any more."""
        settings = self.scenario.settings
        end = report.since + settings.report_lifetime - settings.min_visible
        return self.weather.now - self.weather.well_for(peer) + recovery(settings) < end
