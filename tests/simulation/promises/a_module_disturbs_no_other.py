"""Judges whether each module keeps its own timetable, whatever another one does.

The judge works out grids by itself, and local times by walking through all minutes.
Exempt is what docs/reference/schedule.md exempts:

- A module whose own run goes on skips its times.
- A clock that is set, or a suspend, is noticed within 30 s.
- Until then a module may be late. Afterwards it runs once, and follows the new time.
- A clock that is set back may bring runs for the same times again.
- A start makes up for a time of the day that was not run, unless that is older than `catch_up`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from zoneinfo import ZoneInfo

from attrs import define, field

from tests.simulation.events import (
    ClockSet,
    Counted,
    Event,
    Fed,
    LifeBegan,
    LifeEnded,
    RunEnded,
    RunFinished,
    RunSeen,
    ServiceRead,
    Timed,
)
from tests.simulation.promises.finding import Finding
from tests.simulation.promises.timetable import Grid, LocalTimes, grids, local_times
from tests.simulation.promises.watched_module import FIRST_WITHIN, MAX_LAG, Watched
from tests.simulation.scenario import Scenario

NAME = "a_module_disturbs_no_other"

LOOK_INTERVAL = 20.0
"""Seconds after which the judge looks which modules have not run."""

RECORDED_WITHIN = 45.0
"""Seconds after its end in which a run is counted, whatever the disk does."""

SHOWN_WITHIN = 1.0
"""Seconds after the end of a shown run in which what it skipped is counted."""

Known = tuple[Timed, Grid | None]
"""What the service file says of a module's times, and its grid if it has one."""


@define(eq=False)
class ModuleDisturbsNoOther:
    """Follows the timetable of each module."""

    zone: ZoneInfo
    modules: dict[str, Watched] = field(factory=dict)
    """Those that should run now."""

    recorded: dict[str, float] = field(factory=dict)
    """The last time of the day for which a module has surely run, as the ledger knows it."""

    begun: dict[str, float] = field(factory=dict)
    """The last time of the day for which a module may have run."""

    _known: dict[str, Known] = field(factory=dict)
    _read: ServiceRead | None = None
    """The service file that is not in force yet."""

    _early: dict[str, float] = field(factory=dict)
    """When modules began to run while a service file came into force."""

    _is_stopping: bool = False
    _running: set[str] = field(factory=set)
    """Modules that have left the service file, or were changed, and whose run goes on."""

    _look_at: float = -math.inf
    _at: float = 0.0
    _clock: float = 0.0
    _is_unsaved: bool = False
    """Whether the last life ended before all was on the disk."""

    _may_be_lost: bool = True
    """Whether the ledger may not know the last runs."""

    def hear(self, event: Event) -> Iterable[Finding]:
        """Compare an event with the timetables."""
        if event.at >= self._look_at and self.modules:
            yield from self._look(event)
        match event:
            case RunSeen():
                self._at, self._clock = event.at, event.clock
                yield from self._begin(event)
            case RunEnded():
                self._at, self._clock = event.at, event.clock
                self._running.discard(event.module)
                if event.module in self.modules:
                    self.modules[event.module].end(event)
            case RunFinished():
                self._show(event.module)
            case ClockSet():
                self._at, self._clock = event.at, event.clock
                for module in self.modules.values():
                    module.clock_was_set(event.at, event.clock)
            case LifeBegan():
                self._at, self._clock = event.at, event.clock
                self.modules, self._known = {}, {}
                self._running, self._early, self._is_stopping = set(), {}, False
                self._read = None
                self._may_be_lost = event.ledger != "kept" or self._is_unsaved
                self._apply(event, event.at)
            case ServiceRead():
                self._at, self._clock, self._read = event.at, event.clock, event
                self._early = {}
            case Fed() if "READY=1" in event.lines and self._read is not None:
                self._apply(self._read, event.at)
            case Fed() if "STOPPING=1" in event.lines:
                self._is_stopping = True
            case LifeEnded():
                self.modules, self._is_unsaved = {}, event.unsaved
            case Counted() if event.module in self.modules:
                yield from self._compare(event, self.modules[event.module])

    def at_the_end(self, at: float) -> Iterable[Finding]:
        """Look a last time."""
        return self._look_all(at, self._clock + at - self._at)

    def _show(self, name: str) -> None:
        if name in self.begun:
            self.recorded[name] = self.begun[name]
        if name in self.modules:
            self.modules[name].shown += 1

    def _look(self, event: Event) -> Iterator[Finding]:
        self._look_at = event.at + LOOK_INTERVAL
        if not isinstance(event, ClockSet):
            yield from self._look_all(event.at, self._clock + event.at - self._at)

    def _look_all(self, at: float, clock: float) -> Iterator[Finding]:
        if self._is_stopping:
            return
        for name, module in self.modules.items():
            if self._read is None and (wrong := module.overdue(at, clock)):
                yield self._finding(at, name, wrong)

    def _begin(self, run: RunSeen) -> Iterator[Finding]:
        name = run.module
        if name in self._running:
            yield self._finding(run.at, name, "two of its runs at once, beside a reload")
        module = self.modules.get(name)
        if module is None:
            if self._read is None:
                yield self._finding(run.at, name, "a run although it should not run at all")
            self._running.add(name)
            self._early[name] = run.clock
            return
        if self._read is not None:
            self._early[name] = run.clock
            new = [timed for timed in self._read.timetable if timed.name == name]
            if new != [module.timed]:
                # It may follow its new timetable already, which is not in force yet.
                yield from self._begin_early(run, module, new)
                return
        module.settle(run.at, run.clock)
        for wrong in module.begin(run):
            yield self._finding(run.at, name, wrong)
        if module.timed.at:
            self.begun[name] = module.covered

    def _begin_early(
        self, run: RunSeen, module: Watched, new: Iterable[Timed]
    ) -> Iterator[Finding]:
        if module.is_running:
            yield self._finding(run.at, run.module, "two of its runs at once")
        module.is_running, module.seen = True, module.seen + 1
        if module.is_loose or self._may_be_lost:
            return
        recorded = self.recorded.get(run.module, -math.inf)
        for timed in new:
            if not timed.at:
                continue
            last = local_times(timed.at, timed.every, self.zone).last(run.clock)
            if last <= recorded <= run.clock - MAX_LAG and run.clock - last > MAX_LAG:
                yield self._finding(run.at, run.module, "a run for a time that was run already")

    def _apply(self, read: ServiceRead | LifeBegan, at: float) -> None:
        """Expect what a service file says from now on."""
        clock = self._clock + at - self._at
        before, self.modules = self.modules, {}
        found = grids(read.timetable)
        known, self._known = (
            self._known,
            {timed.name: (timed, found.get(timed.name)) for timed in read.timetable},
        )
        for name, (timed, grid) in self._known.items():
            old = before.pop(name, None)
            if old is not None and known[name] == (timed, grid):
                self.modules[name] = old
                continue
            if not timed.enabled:
                before |= {} if old is None else {name: old}
                continue
            new = self._started(timed, grid, clock)
            if old is None and name in known:
                new.is_exact = False  # it was disabled, and goes on with its counts
            if old is not None:
                new.seen, new.skipped, new.is_exact = old.seen, old.skipped, False
                new.shown = old.shown
                new.is_running = old.is_running
            if name in self._early:
                # Whether this run was still of the old configuration is not known.
                new.clock_was_set(at, clock)
                new.first_by, new.is_exact = None, False
                if timed.at:
                    self.begun[name] = new.covered
            if name in self._running:
                new.is_running = True
                self._running.discard(name)
            self.modules[name] = new
        self._running |= {name for name, old in before.items() if old.is_running}
        self._read = None

    def _started(self, timed: Timed, grid: Grid | None, clock: float) -> Watched:
        if grid is not None:
            return Watched(timed, grid, clock, clock + min(grid.every, FIRST_WITHIN))
        times = local_times(timed.at, timed.every, self.zone)
        module = Watched(timed, times, clock)
        self._expect_missed(module, times, clock)
        return module

    def _expect_missed(self, module: Watched, times: LocalTimes, clock: float) -> None:
        """Expect that a time of the day is made up for, if it was missed."""
        name, last = module.timed.name, times.last(clock)
        if last < clock - module.timed.catch_up:
            return
        begun, recorded = self.begun.get(name, -math.inf), self.recorded.get(name, -math.inf)
        if max(begun, recorded) < last:
            module.first_by = clock
        elif recorded < last or recorded > clock or self._may_be_lost:
            module.may_run = clock

    def _compare(self, count: Counted, module: Watched) -> Iterator[Finding]:
        within = SHOWN_WITHIN if module.shown == module.seen else RECORDED_WITHIN
        unsure = module.is_running or count.at - module.ended_at < within
        if not module.is_exact or module.is_loose or unsure:
            return
        if wrong := module.overdue(count.at, count.clock):
            yield self._finding(count.at, count.module, wrong)
        if count.runs != module.seen:
            what = f"{count.runs} runs are counted, and there were {module.seen}"
            yield self._finding(count.at, count.module, what)
        if _without_zeros(count.skipped) != _without_zeros(module.skipped):
            what = f"{dict(count.skipped)} are counted as skipped, and not {dict(module.skipped)}"
            yield self._finding(count.at, count.module, what)

    def _finding(self, at: float, module: str, what: str) -> Finding:
        return Finding(NAME, at, f"{module}: {what}")


def _without_zeros(counts: Mapping[str, int]) -> dict[str, int]:
    return {reason: count for reason, count in counts.items() if count}


def a_module_disturbs_no_other(scenario: Scenario) -> ModuleDisturbsNoOther:
    """Return the judge for a scenario."""
    return ModuleDisturbsNoOther(ZoneInfo(scenario.settings.timezone))
