"""A day as the clocks of one zone show it: its begin and end, its hours, a change of the clocks.

Pure. All times are Unix seconds. A day has 23 or 25 hours when the clocks change.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from attrs import frozen

from supervisor.errors import UsageError
from supervisor.schedule.schedule import change_between, instant

HOUR = 3600
"""Seconds of an hour."""


@frozen
class LocalDay:
    """The time from `start` until before `end`, which are midnights of the zone."""

    date: date
    timezone: ZoneInfo
    start: float
    end: float

    @property
    def length(self) -> float:
        """Seconds; 0 for a day that the zone has skipped."""
        return self.end - self.start

    def clock(self, moment: float) -> str:
        """Return what the clocks show: "09:00:00"."""
        return f"{datetime.fromtimestamp(moment, self.timezone):%H:%M:%S}"

    def whole_hours(self) -> tuple[tuple[float, int], ...]:
        """Return each time at which the clocks show a whole hour of this day, with the hour.

        An hour that they show twice is in it twice. An hour that they skip is not in it.
        """
        shown = {}
        for hour in range(24):
            for fold in (0, 1):
                wall = datetime.combine(self.date, time(hour, fold=fold), self.timezone)
                moment = wall.timestamp()
                back = datetime.fromtimestamp(moment, self.timezone)
                if back.replace(tzinfo=None) == wall.replace(tzinfo=None):
                    shown[moment] = hour
        return tuple(sorted(shown.items()))

    def change(self) -> float | None:
        """Return when the clocks change on this day. A change at midnight is on the new day."""
        before, after = (self._offset(moment - 1) for moment in (self.start, self.end))
        if before == after:
            return None
        return change_between(self.start - 1, self.end - 1, self.timezone)

    def oddity(self) -> str:
        """Return in words why the day does not have 24 hours; empty if it has."""
        if self.length == 24 * HOUR:
            return ""
        hours = f"{self.length / HOUR:g} hours"
        change = self.change()
        if change is None:
            return f"{hours}: the clocks skip this day"
        old = datetime.fromtimestamp(change - 1, self.timezone) + timedelta(seconds=1)
        way = "back" if self.length > 24 * HOUR else "forward"
        return f"{hours}: the clocks go {way} from {old:%H:%M} to {self.clock(change)[:5]}"

    def _offset(self, moment: float) -> timedelta | None:
        return datetime.fromtimestamp(moment, self.timezone).utcoffset()


def local_day(day: date, timezone: ZoneInfo) -> LocalDay:
    """Return the day from midnight to midnight.

    Raises `UsageError` for a day at the edge of the calendar.
    """
    if not 1 < day.year < 9999:
        raise UsageError(f"cannot plan {day}: the calendar ends there; choose another day")
    start, end = (instant(each, 0, timezone) for each in (day, day + timedelta(1)))
    return LocalDay(day, timezone, start, end)
