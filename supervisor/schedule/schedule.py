"""When a module is due: fixed grids and local times of the day. Pure. Times are Unix seconds.

Local times follow zoneinfo (the IANA database). Changes of the clocks are handled as cron does.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import count, islice
from typing import TypeAlias
from zoneinfo import ZoneInfo

from attrs import field, frozen, validators

from supervisor.config.service import Module, Service
from supervisor.config.times import parse_times
from supervisor.schedule.offsets import Offsets

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


@frozen
class Times:
    """Ticks at the given seconds after midnight of each day, in the zone's wall-clock time.

    A time that the clocks skip is due at the end of the gap. A time that they show twice is due
    the first time. Two times at the same instant are one tick.
    """

    seconds: tuple[int, ...] = field(validator=validators.min_len(1))
    timezone: ZoneInfo

    def next_after(self, moment: float) -> float:
        """Return the first tick after the moment."""
        # Ticks are whole seconds, and a fraction could be rounded up to one.
        wall = datetime.fromtimestamp(math.floor(moment), self.timezone)
        position = bisect_right(self.seconds, wall.hour * 3600 + wall.minute * 60 + wall.second)
        for ahead in count():
            day = wall.date() + timedelta(days=ahead)
            for later in range(position, len(self.seconds)):
                # A time that the clocks show again has had its tick.
                if (tick := instant(day, self.seconds[later], self.timezone)) > moment:
                    return tick
            position = 0
        raise AssertionError("every day has a time")

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
        days = (last - first).days * len(self.seconds)
        return days + self._place(last, end) - self._place(first, start)

    def last_before(self, moment: float) -> float:
        """Return the last tick before the moment."""
        # Where clocks go back over midnight, the next day has begun once already.
        day = datetime.fromtimestamp(moment, self.timezone).date() + timedelta(days=1)
        while not (place := self._place(day, moment)):
            day -= timedelta(days=1)
        return instant(day, self.seconds[place - 1], self.timezone)

    def _each(self, start: float, end: float) -> Iterator[float]:
        tick = self.next_after(math.ceil(start) - 1)
        while tick < end:
            yield tick
            tick = self.next_after(tick)

    def _place(self, day: date, moment: float) -> int:
        """Return how many times of the day are before the moment."""
        return bisect_left(
            self.seconds, moment, key=lambda second: instant(day, second, self.timezone)
        )


def times_of_day(at: Sequence[str], timezone: ZoneInfo) -> Times:
    """Return the timetable of `["02:00", "14:30"]`. Raises `ValueError` with the remedy."""
    return Times(parse_times(at, None), timezone)


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
            schedules[module.name] = Times(parse_times(module.at, module.every), timezone)
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
