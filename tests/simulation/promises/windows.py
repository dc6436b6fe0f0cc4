"""Which modules a maintenance window holds, worked out in the simplest way.

It knows nothing of the supervisor's code. All times are Unix seconds, as the host's clock shows
them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from attrs import define

from tests.simulation.events import (
    ClockSet,
    Counted,
    Event,
    Fed,
    LifeBegan,
    LifeEnded,
    RunEnded,
    RunSeen,
    ServiceRead,
)
from tests.simulation.promises.timetable import DAY, MINUTE, local_times
from tests.simulation.scenario import Planned

NOTICED = 60.0
"""Seconds until times that lie in the future are moved, after the clock was set or at a start."""


@define(eq=False)
class Windows:
    """Follows the windows in force, and the clock of the host."""

    zone: ZoneInfo

    tables: tuple[Planned, ...] = ()
    """Those in force."""

    since: float = -math.inf
    """From when on their windows are certain: they were changed then, or the clock was set."""

    now: float = 0.0
    """What the clock of the host shows."""

    error: float = 0.0
    """Seconds by which the clock of the host is ahead."""

    _read: tuple[Planned, ...] | None = None
    """Those of a service file that is about to be in force."""

    _set_at: float = -math.inf
    """When the clock was set, as true time."""

    _ended_at: float = -math.inf
    """When the last life ended, as true time."""

    def hear(self, event: Event) -> None:
        """Take note of an event, before the judge does."""
        match event:
            case RunSeen() | RunEnded() | Counted():
                self.error = event.clock - event.at
            case ClockSet():
                self.error = event.clock - event.at
                self._set_at = event.at
                self.since = event.clock + NOTICED
            case LifeEnded():
                self._ended_at = event.at
            case LifeBegan():
                self.error = event.clock - event.at
                self._begin(event)
            case ServiceRead():
                self.error = event.clock - event.at
                self._read = event.maintenance
            case Fed() if self._read is not None and "READY=1" in event.lines:
                self._put_in_force(self._read, event.at + self.error)
        self.now = event.at + self.error

    def hold(
        self, module: str, begin: float, end: float | None = None, *, reports: bool = False
    ) -> bool | None:
        """Return whether windows hold a module from one time until another, or until now.

        None: in a part of it, or it is not known which windows are in force, or were then.
        """
        if begin < self.since or self._read not in (None, self.tables):
            return None
        end = max(begin, self.now if end is None else end)
        spans = [*self._spans(module, begin, end, reports=reports)]
        held_until = begin
        for start, until in sorted(spans):
            if start <= held_until < until:
                held_until = until
        if held_until > end:
            return True
        return None if spans else False

    def names(self, module: str, moment: float) -> set[str]:
        """Return the names of the windows that hold a module."""
        return {
            table.name
            for table in self._tables_of(module)
            for start, until in _spans(table, self.zone, moment, moment)
            if start <= moment < until
        }

    def _begin(self, life: LifeBegan) -> None:
        if self._set_at > self._ended_at - NOTICED:
            self.since = life.clock + NOTICED
        self._put_in_force(life.maintenance, life.clock)

    def _put_in_force(self, tables: tuple[Planned, ...], clock: float) -> None:
        if not tables == self.tables == (self.tables if self._read is None else self._read):
            self.since = max(self.since, clock)
        self.tables, self._read = tables, None

    def _tables_of(self, module: str) -> Iterator[Planned]:
        return (table for table in self.tables if not table.modules or module in table.modules)

    def _spans(
        self, module: str, begin: float, end: float, *, reports: bool
    ) -> Iterator[tuple[float, float]]:
        for table in self._tables_of(module):
            less = table.settle if reports else 0.0
            for start, until in _spans(table, self.zone, begin, end):
                if until - less > begin:
                    yield start, until - less


def _spans(
    table: Planned, zone: ZoneInfo, begin: float, end: float
) -> Iterator[tuple[float, float]]:
    """Yield when it begins to hold, and until when, for each window that meets a time."""
    for item in table.at:
        first, last = (local_times([part], None, zone) for part in item.split("-"))
        start = first.last(begin - DAY)
        while start <= end:
            until = _end(item, start, zone, last.next(start)) + table.settle
            if until > begin:
                yield start, until
            start = first.next(start)


def _end(item: str, start: float, zone: ZoneInfo, shown: float) -> float:
    """Return its end. If the clocks skip its beginning, it is as long as on other days."""
    begins, ends = (60 * int(part[:2]) + int(part[3:]) for part in item.split("-"))
    local = datetime.fromtimestamp(start, zone)
    if 60 * local.hour + local.minute == begins:
        return shown
    return start + (ends - begins) % (24 * 60) * MINUTE
