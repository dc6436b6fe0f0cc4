"""What calendars leave out of one day. Pure. Times are Unix seconds."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve, frozen

from supervisor.schedule.local_day import LocalDay
from supervisor.schedule.schedule import Schedule, Times


@frozen
class LeftOut:
    """Times of one day at which something would be due, were it not for a calendar."""

    module: str
    """The module."""
    name: str
    """What the module expects, such as a job. Empty: it is the module itself."""
    at: tuple[float, ...]
    """The times."""
    holiday: str
    """What the calendar calls the day."""
    calendar: str
    """The calendar's file, without its directory."""


def left_out(schedule: Schedule, day: LocalDay, module: str, name: str = "") -> LeftOut | None:
    """Return what calendars leave out of a day, or None if that is nothing.

    A time after midnight may belong to a range that begins on the day before.
    """
    if not isinstance(schedule, Times) or not schedule.calendars:
        return None
    there = frozenset(schedule.between(day.start, day.end))
    each = evolve(schedule, calendars=()).between(day.start, day.end)
    if not (missing := tuple(tick for tick in each if tick not in there)):
        return None
    holiday, calendar = next(
        (calendar.names[date], calendar.path.name)
        for date in (day.date, day.date - timedelta(days=1))
        for calendar in schedule.calendars
        if date in calendar.names
    )
    return LeftOut(module, name, missing, holiday=holiday, calendar=calendar)
