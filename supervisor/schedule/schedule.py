"""When a module is due: fixed grids and local times of the day. Pure. Times are Unix seconds.

Local times follow zoneinfo (the IANA database). Changes of the clocks are handled as cron does.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import count, islice
from typing import TYPE_CHECKING, TypeAlias
from zoneinfo import ZoneInfo

from attrs import field, frozen

from supervisor.config.calendars.calendar import Calendar
from supervisor.config.service import Module, Service
from supervisor.config.times import DAY, parse_span, parse_times, steps
from supervisor.schedule.offsets import Offsets

if TYPE_CHECKING:
    from supervisor.config.calendars.days import Days

MAX_COUNTED_TICKS = 1000
"""Ticks that are counted one by one. After a longer jump of the clock, whole days are counted."""


@frozen
class Grid:
    """A tick every `every` seconds, counted from `offset` seconds after the Unix epoch."""

    every: float
    offset: float

    def next_after(self, moment: float) -> float:
        """Return the first tick after the moment."""
        # The quotient may be rounded up to the tick that is looked for.
        number = math.floor((moment - self.offset) / self.every)
        while (tick := self.offset + number * self.every) <= moment:
            number += 1
        return tick

    def between(self, start: float, end: float) -> tuple[float, ...]:
        """Return the ticks from `start` on and before `end`."""
        numbers = range(self._number(start), self._number(end))
        return tuple(self.offset + number * self.every for number in numbers)

    def count(self, start: float, end: float) -> int:
        """Return how many ticks there are from `start` on and before `end`."""
        return max(0, self._number(end) - self._number(start))

    def last_before(self, moment: float) -> float:
        """Return the last tick before the moment."""
        return self.offset + (self._number(moment) - 1) * self.every

    def _number(self, moment: float) -> int:
        """Return the number of the first tick that is not before the moment."""
        number = math.ceil((moment - self.offset) / self.every) - 1
        while self.offset + number * self.every < moment:
            number += 1
        return number


@frozen(cache_hash=True)
class SomeTimes:
    """Times of some days alone."""

    days: Days
    """The days on which they begin."""
    seconds: tuple[int, ...]
    """Seconds after midnight. Those of the day after are more than a day."""


@frozen
class Times:
    """Ticks at the given seconds after midnight of each day, in the zone's wall-clock time.

    A time that the clocks skip is due at the end of the gap. A time that they show twice is due
    the first time. Two times at the same instant are one tick.
    """

    seconds: tuple[int, ...]
    """Those of each day."""
    timezone: ZoneInfo
    some: tuple[SomeTimes, ...] = ()
    """Instead of those: times of some days."""
    calendars: tuple[Calendar, ...] = field(default=(), kw_only=True)
    """Days on which nothing of `some` begins."""

    def __attrs_post_init__(self) -> None:
        if not self.seconds and not self.some:
            raise ValueError("a timetable needs a time")

    def next_after(self, moment: float) -> float:
        """Return the first tick after the moment."""
        # Ticks are whole seconds, and a fraction could be rounded up to one.
        wall = datetime.fromtimestamp(math.floor(moment), self.timezone)
        shown = wall.hour * 3600 + wall.minute * 60 + wall.second
        for ahead in count():
            day = wall.date() + timedelta(days=ahead)
            seconds = self._on(day)
            for later in range(0 if ahead else bisect_right(seconds, shown), len(seconds)):
                # A time that the clocks show again has had its tick.
                if (tick := instant(day, seconds[later], self.timezone)) > moment:
                    return tick
        raise AssertionError("there is always a later time")

    def between(self, start: float, end: float) -> tuple[float, ...]:
        """Return the ticks from `start` on and before `end`."""
        return tuple(self._each(start, end))

    def count(self, start: float, end: float) -> int:
        """Return how many ticks there are from `start` on and before `end`.

        Of more than `MAX_COUNTED_TICKS`, those that fall together when the clocks change are
        counted each.
        """
        few = sum(1 for _ in islice(self._each(start, end), MAX_COUNTED_TICKS + 1))
        if few <= MAX_COUNTED_TICKS:
            return few
        first, last = (datetime.fromtimestamp(at, self.timezone).date() for at in (start, end))
        whole = (last - first).days
        if self.some:
            ticks = sum(len(self._on(first + timedelta(days=day))) for day in range(whole))
        else:
            ticks = whole * len(self.seconds)
        return ticks + self._place(last, end) - self._place(first, start)

    def last_before(self, moment: float) -> float:
        """Return the last tick before the moment."""
        # Where clocks go back over midnight, the next day has begun once already.
        day = datetime.fromtimestamp(moment, self.timezone).date() + timedelta(days=1)
        while not (place := self._place(day, moment)):
            day -= timedelta(days=1)
        return instant(day, self._on(day)[place - 1], self.timezone)

    def _each(self, start: float, end: float) -> Iterator[float]:
        tick = self.next_after(math.ceil(start) - 1)
        while tick < end:
            yield tick
            tick = self.next_after(tick)

    def _place(self, day: date, moment: float) -> int:
        """Return how many times of the day are before the moment."""
        return bisect_left(
            self._on(day), moment, key=lambda second: instant(day, second, self.timezone)
        )

    def _on(self, day: date) -> tuple[int, ...]:
        """Return the seconds of one day."""
        if not self.some:
            return self.seconds
        today, yesterday = (self._begin(each) for each in (day, day - timedelta(days=1)))
        return _joined(self.some, today, yesterday)

    def _begin(self, day: date) -> tuple[bool, ...]:
        """Return which of `some` begin on a day."""
        is_left_out = any(day in calendar.names for calendar in self.calendars)
        return tuple(not is_left_out and each.days.has(day) for each in self.some)


@lru_cache(maxsize=1024)
def _joined(
    some: tuple[SomeTimes, ...], today: tuple[bool, ...], yesterday: tuple[bool, ...]
) -> tuple[int, ...]:
    """Return the seconds of a day on which some times begin, and some began the day before."""
    found: set[int] = set()
    for each, begins, began in zip(some, today, yesterday, strict=True):
        found |= {second for second in each.seconds if begins and second < DAY}
        found |= {second - DAY for second in each.seconds if began and second >= DAY}
    return tuple(sorted(found))


def times_of_day(
    at: Sequence[str], timezone: ZoneInfo, except_: tuple[Calendar, ...] = ()
) -> Times:
    """Return the timetable of `["02:00", "Mon-Fri 14:30"]` without the days of some calendars.

    Raises `ValueError` with the remedy.
    """
    return _times(at, None, except_, timezone)


def _times(
    at: Sequence[str], every: float | None, calendars: tuple[Calendar, ...], timezone: ZoneInfo
) -> Times:
    spans = [parse_span(item) for item in at]
    if not calendars and not any(span.days for span in spans):
        return Times(parse_times(at, every), timezone)
    from supervisor.config.calendars.days import EVERY_DAY  # few files name days

    some = (
        SomeTimes(span.days or EVERY_DAY, tuple(steps(item, every)))
        for item, span in zip(at, spans, strict=True)
    )
    return Times((), timezone, tuple(some), calendars=calendars)


Schedule: TypeAlias = Grid | Times
"""The timetable of one module."""


def instant(day: date, second: int, timezone: ZoneInfo) -> float:
    """Return when the wall clock first shows that second of the day, or has skipped it."""
    wall = datetime.combine(day, time(second // 3600, second // 60 % 60, second % 60), timezone)
    first, later = wall.timestamp(), wall.replace(fold=1).timestamp()
    if datetime.fromtimestamp(first, timezone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return first
    # In a gap: the change lies between the two readings.
    return change_between(later, first, timezone)


def change_between(low: float, high: float, timezone: ZoneInfo) -> float:
    """Return when the clocks change between two times whose offsets differ."""
    low, high = int(low), int(high)
    before = datetime.fromtimestamp(low, timezone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, timezone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return float(high)


def missed(schedule: Schedule, last: float | None, now: float, catch_up: float) -> float | None:
    """Return the `at` time that the start must catch up on, or None.

    It is the latest one. It is at most `catch_up` seconds old, and later than the `last` run.
    """
    if not isinstance(schedule, Times):
        return None
    tick = schedule.last_before(math.floor(now) + 1)
    return tick if tick >= now - catch_up and (last is None or tick > last) else None


def build(
    modules: Iterable[Module], *, service: str, host: str, timezone: ZoneInfo
) -> dict[str, Schedule]:
    """Return each module's schedule by name. Both plan and runners call this."""
    offsets = Offsets.of(service, host)
    schedules: dict[str, Schedule] = {}
    for module in modules:
        if module.at:
            schedules[module.name] = _times(module.at, module.every, module.except_, timezone)
        elif module.every is not None:
            offset = offsets.next(module.every, module.check)
            schedules[module.name] = Grid(module.every, offset)
    return schedules


def schedules(service: Service) -> Mapping[str, Schedule]:
    """Return the schedule of each module, also of disabled ones: enabling one moves no others."""
    return build(
        service.modules,
        service=service.service,
        host=service.labels["host"],
        timezone=service.timezone,
    )
