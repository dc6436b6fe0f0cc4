"""When planned work takes place: maintenance windows, and other ranges of `at`. Pure.

All times are Unix seconds. A range begins when a time of `at` is due: at the end of a gap if the
clocks skip it, and the first time if they show it twice. It ends when the clocks first show its
end. One whose beginning is skipped lasts as long as on other days.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from attrs import frozen

from supervisor.config.calendars.calendar import Calendar
from supervisor.config.service import Maintenance, Service
from supervisor.config.times import DAY, parse_span
from supervisor.schedule.schedule import instant

MAX_DAYS_AHEAD = 400
"""Days that are looked at for the next window. Calendars may leave many out."""


@frozen
class Window:
    """One occurrence of a `[[maintenance]]` table."""

    maintenance: Maintenance
    """The table."""
    start: float
    """When it begins."""
    end: float
    """When it ends. Reports are sent then."""

    @property
    def settled(self) -> float:
        """Until when conditions are held."""
        return self.end + self.maintenance.settle

    def holds(self, module: str) -> bool:
        """Return whether it holds what this module sees."""
        return not self.maintenance.modules or module in self.maintenance.modules


def holding(service: Service, module: str, now: float) -> Window | None:
    """Return the window that holds the conditions of a module now: the one that ends last."""
    found = (
        window
        for window in _around(service, now)
        if window.start <= now < window.settled and window.holds(module)
    )
    return max(found, key=lambda window: window.settled, default=None)


def under_way(service: Service, module: str, now: float) -> Window | None:
    """Return the window in which a module is now, without the time to settle."""
    found = (
        window
        for window in _around(service, now)
        if window.start <= now < window.end and window.holds(module)
    )
    return max(found, key=lambda window: window.end, default=None)


def of_day(service: Service, start: float, end: float) -> tuple[Window, ...]:
    """Return the windows of a time, such as a day, with those that settle in it. By their start."""
    first, last = (datetime.fromtimestamp(at, service.timezone).date() for at in (start, end))
    days = range(-2, (last - first).days + 1)
    found = {
        (window.maintenance.name, window.start): window
        for ahead in days
        for window in _beginning(service, first + timedelta(days=ahead))
        if window.start < end and window.settled > start
    }
    return tuple(sorted(found.values(), key=lambda window: (window.start, window.end)))


def coming(service: Service, now: float) -> tuple[Window, ...]:
    """Return for each table the window that is under way or settles, else the next one."""
    found: dict[str, Window] = {}
    today = datetime.fromtimestamp(now, service.timezone).date()
    for ahead in range(-2, MAX_DAYS_AHEAD):
        for window in _beginning(service, today + timedelta(days=ahead)):
            if window.settled > now:
                found.setdefault(window.maintenance.name, window)
        if len(found) == len(service.maintenance):
            break
    return tuple(sorted(found.values(), key=lambda window: window.start))


def is_within(
    at: tuple[str, ...], except_: tuple[Calendar, ...], timezone: ZoneInfo, now: float
) -> bool:
    """Return whether a moment lies in one of some ranges."""
    today = datetime.fromtimestamp(now, timezone).date()
    days = (today + timedelta(days=ahead) for ahead in (-1, 0, 1))
    return any(
        start <= now < end for day in days for start, end in spans(at, except_, timezone, day)
    )


@lru_cache(maxsize=256)
def spans(
    at: tuple[str, ...], except_: tuple[Calendar, ...], timezone: ZoneInfo, day: date
) -> tuple[tuple[float, float], ...]:
    """Return the beginning and the end of each range that begins on a day."""
    return tuple(_spans(at, except_, timezone, day))


def _spans(
    at: tuple[str, ...], except_: tuple[Calendar, ...], timezone: ZoneInfo, day: date
) -> Iterator[tuple[float, float]]:
    if any(day in calendar.names for calendar in except_):
        return
    for item in at:
        span = parse_span(item)
        if span.end is None or (span.days is not None and not span.days.has(day)):
            continue
        start = instant(day, span.start, timezone)
        shown = datetime.fromtimestamp(start, timezone)
        if (shown.date(), shown.hour * 3600 + shown.minute * 60) == (day, span.start):
            end = instant(day + timedelta(days=span.end // DAY), span.end % DAY, timezone)
        else:
            end = start + span.end - span.start
        if start < end:
            yield start, end


def _around(service: Service, now: float) -> Iterator[Window]:
    """Yield the windows that may hold something now. No window is longer than two days."""
    if not service.maintenance:
        return
    today = datetime.fromtimestamp(now, service.timezone).date()
    for ahead in (-2, -1, 0, 1):
        yield from _beginning(service, today + timedelta(days=ahead))


def _beginning(service: Service, day: date) -> Iterator[Window]:
    for each in service.maintenance:
        for start, end in spans(each.at, each.except_, service.timezone, day):
            yield Window(each, start, end)
