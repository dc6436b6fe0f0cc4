"""What the judge of timetables knows of one module, and what follows from that.

Times are Unix seconds. Those named `at` are true; all others are those of the host's clock.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from attrs import define, field

from tests.simulation.events import RunEnded, RunSeen, Timed
from tests.simulation.promises.timetable import EPSILON, SLOT, Grid, LocalTimes

MAX_LAG = 1.0
"""Seconds by which a run may be late when nothing has kept it."""

FIRST_WITHIN = 10.0
"""Seconds after the start in which a module with `every` runs."""

NOTICED_WITHIN = 31.0
"""Seconds in which it is noticed that the clock was set."""

FORGIVEN_STEP = 7200.0
"""Seconds by which a clock may be set back, and times of the day are not run again."""


@define(eq=False)
class Watched:
    """One module on its timetable."""

    timed: Timed
    timetable: Grid | LocalTimes
    covered: float
    """The last time that was run or skipped."""

    first_by: float | None = None
    """When it must have run, though its timetable does not say so."""

    may_run: float | None = None
    """A time that it may run for, or not: that is not known."""

    is_running: bool = False
    loose_until: float = -math.inf
    """True time until which it may be late, since the clock was set."""

    is_loose: bool = False
    """Whether the clock was set, and it has not settled yet."""

    was_set_back: bool = False
    """Whether it may run again for times before `covered`."""

    is_exact: bool = True
    """Whether it is known which times were skipped."""

    seen: int = 0
    """Runs that have begun, since the module is in the service file."""

    shown: int = 0
    """Runs that were shown as finished, since the module is in the service file."""

    ended_at: float = -math.inf
    """The end of the last run, as true time."""

    skipped: Counter[str] = field(factory=Counter)

    def begin(self, run: RunSeen) -> Iterator[str]:
        """Take a run that begins. Yield what is wrong with it."""
        if self.is_running:
            yield "two of its runs at once"
        self.is_running = True
        self.seen += 1
        self.may_run, may_run = None, self.may_run
        if self.first_by is not None and isinstance(self.timetable, Grid):
            if run.clock > self.first_by + MAX_LAG and not self.is_loose:
                yield f"its first run was {run.clock - self.first_by:.3f} s too late"
            self.first_by = None
            self.covered = run.clock
        else:
            yield from self._follow(run, may_run)

    def _follow(self, run: RunSeen, may_run: float | None) -> Iterator[str]:
        first_by, self.first_by = self.first_by, None
        tick = self.timetable.last(run.clock + EPSILON)
        count = self.timetable.count(self.covered, run.clock + EPSILON)
        lag = run.clock - tick
        if self.is_loose or (self.was_set_back and lag < MAX_LAG):
            self.is_exact = self.is_exact and not self.was_set_back
            self.was_set_back = self.was_set_back and self.is_loose
            self.skipped["late"] += max(0, count - 1)
            self.covered = tick
        elif may_run is not None or first_by is not None:
            # A time of the day that is made up for.
            self.covered = max(self.covered, tick)
        elif count == 0:
            yield f"a run that is not on its timetable, {lag:.3f} s after its last time"
        else:
            late = run.clock - self.timetable.next(self.covered)
            self.covered = tick
            if late > MAX_LAG:
                yield f"a run that is {late:.3f} s late, and {count - 1} that are missing"

    def end(self, run: RunEnded) -> None:
        """Take the end of a run. What its module has missed is skipped."""
        self.is_running, self.ended_at = False, run.at
        if self.first_by is not None:
            self.first_by = run.clock + FIRST_WITHIN
        else:
            missed = self.timetable.count(self.covered, run.clock - EPSILON)
            if missed:
                self.skipped["running"] += missed
                self.covered = self.timetable.last(run.clock - EPSILON)
                self.is_exact = self.is_exact and not self.is_loose
            after = self.timetable.next(self.covered)
            if abs(after - run.clock) <= EPSILON:
                self.may_run = after

    def clock_was_set(self, at: float, clock: float) -> None:
        """Allow what follows from it: runs that are late, and runs for the same time again."""
        if at <= self.loose_until:
            self.is_exact = False  # it may have skipped times for a time that was soon over
        self.loose_until, self.is_loose = at + NOTICED_WITHIN, True
        if self.covered > clock:
            self.was_set_back, self.is_exact = True, False
        if self.first_by is not None:
            self.first_by = clock + FIRST_WITHIN + NOTICED_WITHIN

    def settle(self, at: float, clock: float) -> None:
        """Follow the timetable again when the new time must have been noticed."""
        if not self.is_loose or at <= self.loose_until:
            return
        self.is_loose = False
        if isinstance(self.timetable, Grid):
            if self.covered > clock + self.timetable.every:
                self.covered = clock
        else:
            if self.covered > clock + FORGIVEN_STEP:
                self.covered = clock
            missed = self.timetable.count(self.covered, clock)
            last = self.timetable.last(clock)
            if missed and clock - last > self.timed.catch_up - NOTICED_WITHIN:
                self.covered = last
                self.skipped["late"] += missed
                self.is_exact = (
                    self.is_exact and clock - last > self.timed.catch_up + NOTICED_WITHIN
                )

    def overdue(self, at: float, clock: float) -> str:
        """Return what is wrong if it should have run. Empty if nothing is."""
        self.settle(at, clock)
        if self.is_running or self.is_loose:
            return ""
        if self.may_run is not None and clock > self.may_run + MAX_LAG:
            self.skipped["running"] += self.timetable.count(self.covered, self.may_run)
            self.covered, self.may_run = max(self.covered, self.may_run), None
        if self.first_by is not None:
            late = clock - self.first_by
            return f"it has not run for {late:.3f} s after its start" if late > MAX_LAG else ""
        late = clock - self.timetable.next(self.covered)
        return f"it should have run {late:.3f} s ago" if late > MAX_LAG + SLOT else ""
