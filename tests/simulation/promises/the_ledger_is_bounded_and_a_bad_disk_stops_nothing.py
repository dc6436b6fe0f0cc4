"""Promise 3: the ledger is bounded, and runs go on whatever the disk does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import define, field

from tests.simulation.check import STUBBORN_FOR
from tests.simulation.events import (
    Event,
    LedgerSeen,
    LifeBegan,
    LifeEnded,
    Posted,
    RunFinished,
    RunSeen,
    ServiceRead,
)
from tests.simulation.promises.bounds import PROMPT, recovery
from tests.simulation.promises.finding import Finding
from tests.simulation.promises.weather import Weather
from tests.simulation.scenario import Scenario

COMMITS = 45.0
"""Seconds that a run may wait for a bad disk: for a commit before its own, and for its own."""

ORDER = ("resolved", "over", "report", "firing")
"""The states whose alerts go first when there is no room."""

NOTES = 100
"""Exempt: bytes by which annotations such as `last_confirmed` make an alert in the ledger grow."""


@define(eq=False)
class the_ledger_is_bounded_and_a_bad_disk_stops_nothing:  # noqa: N801 - as what it judges
    """Looks at small ledgers, and at the time from a run to its record."""

    scenario: Scenario
    weather: Weather = field(init=False)
    running: dict[str, float] = field(factory=dict)
    """By module: by when its run must be recorded."""
    overflown_at: float | None = None
    """When something was lost, of which some peer has not heard yet."""
    unheard: set[str] = field(factory=set)
    _known_losses: int = 0

    def __attrs_post_init__(self) -> None:
        self.weather = Weather(self.scenario)

    def hear(self, event: Event) -> Iterable[Finding]:
        """Find what is too large, too slow or not told."""
        self.weather.hear(event)
        match event:
            case RunSeen():
                self._begin(event)
            case RunFinished():
                self.running.pop(event.module, None)
                yield from self._look(event.at)
            case ServiceRead():
                self.running.clear()  # exempt: a reload ends runs
            case LifeBegan() | LifeEnded():
                self.running.clear()
                self.unheard.clear()
                self._known_losses = 0
            case LedgerSeen():
                for what in self._complaints(event):
                    yield Finding(type(self).__name__, event.at, what)
            case Posted() if event.alert["labels"]["alertname"] == "LedgerOverflow":
                self.unheard.discard(event.peer)

    def at_the_end(self, at: float) -> Iterable[Finding]:
        """Look once more."""
        yield from self._look(at)

    def _begin(self, run: RunSeen) -> None:
        timeout = next(m.timeout for m in self.scenario.modules if m.name == run.module)
        longest = max(timeout, STUBBORN_FOR) if run.outcome == "stubborn" else timeout
        self.running[run.module] = self.weather.now + longest + COMMITS

    def _look(self, at: float) -> Iterator[Finding]:
        if self.weather.is_recorder_stuck:
            return
        for module, by in [*self.running.items()]:
            if self.weather.now > by:
                del self.running[module]
                late = self.weather.now - by
                what = f"a run of {module} is not recorded, {late:.0f} s after its last moment"
                yield Finding(type(self).__name__, at, what)
        for peer in sorted(self.unheard):
            needs = recovery(self.scenario.settings) + PROMPT
            if self.weather.well_for(peer) > needs and self._unheard_for() > needs:
                self.unheard.discard(peer)
                what = f"{peer} was not told that the ledger has lost alerts"
                yield Finding(type(self).__name__, at, what)

    def _unheard_for(self) -> float:
        return 0.0 if self.overflown_at is None else self.weather.now - self.overflown_at

    def _complaints(self, seen: LedgerSeen) -> Iterator[str]:
        bound = self.scenario.settings.max_ledger
        if seen.size > bound + NOTES * seen.count:
            yield f"{seen.count} alerts take {seen.size} bytes of {bound}"
        if seen.lost > self._known_losses:
            self._known_losses = seen.lost
            self.overflown_at, self.unheard = self.weather.now, {*self.weather.peers}
        for state, *name in seen.gone:
            less = [kept for kept in seen.kept if ORDER.index(kept) < ORDER.index(state)]
            if less:
                yield f"{' '.join(name)} ({state}) had to go, while others stay that are {less[0]}"
                return
