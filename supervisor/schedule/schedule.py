"""When a module is due: fixed grids and local times of the day. Pure; Unix seconds throughout.

Local times follow zoneinfo (the IANA database): never shifted, across DST as cron does it.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import TypeAlias
from zoneinfo import ZoneInfo

from attrs import field, frozen, validators

from supervisor.config.service import Module, Service
from supervisor.config.times import DAY, parse_times

SLOT_MS = 200
"""Offsets are whole slots: modules that wake together share the cost of the wake-up."""


GOLDEN_RATIO = 0.6180339887498949
"""Multiples of it, modulo one, fill an interval evenly however many there are."""


@frozen
class Grid:
    """Every `every` seconds from the Unix epoch on, plus `offset`."""

    every: float
    offset: float

    def next_after(self, moment: float) -> float:
        """Return the first tick after the moment."""
        # The quotient may be rounded up to the very tick that is looked for.
        number = math.floor((moment - self.offset) / self.every)
        while (tick := self.offset + number * self.every) <= moment:
            number += 1
        return tick

    def between(self, start: float, end: float) -> tuple[float, ...]:
        """Return the ticks from `start` on and before `end`."""
        number = math.ceil((start - self.offset) / self.every) - 1
        ticks = []
        while (tick := self.offset + number * self.every) < end:
            if tick >= start:
                ticks.append(tick)
            number += 1
        return tuple(ticks)


@frozen
class Times:
    """At the given seconds after midnight of each day, in the zone's wall-clock time.

    A time that a change of the clocks skips is due at the end of the gap; one that the clocks
    show twice is due at the first. What falls on one instant is one tick.
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
                # Where the clocks went back, what they show again has had its tick.
                if (tick := instant(day, self.seconds[later], self.timezone)) > moment:
                    return tick
            position = 0
        raise AssertionError("every day has a time")

    def between(self, start: float, end: float) -> tuple[float, ...]:
        """Return the ticks from `start` on and before `end`."""
        ticks = []
        tick = self.next_after(math.ceil(start) - 1)
        while tick < end:
            ticks.append(tick)
            tick = self.next_after(tick)
        return tuple(ticks)


Schedule: TypeAlias = Grid | Times


def instant(day: date, second: int, timezone: ZoneInfo) -> float:
    """Return when the wall clock first shows that second of the day, or has leapt over it."""
    wall = datetime.combine(day, time(second // 3600, second // 60 % 60, second % 60), timezone)
    first, later = wall.timestamp(), wall.replace(fold=1).timestamp()
    if datetime.fromtimestamp(first, timezone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return first
    # In a gap: the two readings lie on either side of the change.
    return change_between(later, first, timezone)


def change_between(low: float, high: float, timezone: ZoneInfo) -> float:
    """Return when the clocks change between two moments whose offsets differ."""
    low, high = int(low), int(high)
    before = datetime.fromtimestamp(low, timezone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, timezone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return float(high)


def grid_offset(service: str, host: str, every: float, position: int) -> float:
    """Return where in its interval a module runs: hosts differ, modules spread evenly.

    `position` is the module's place among those with the same `every`; appending one moves
    no other.
    """
    seed = int.from_bytes(hashlib.sha256(f"{service}\0{host}".encode()).digest()[:6])
    offset = (seed / 1000 + GOLDEN_RATIO * every * position) % every
    return math.floor(offset * 1000 / SLOT_MS) * SLOT_MS / 1000


def missed(schedule: Schedule, last: float | None, now: float, catch_up: float) -> float | None:
    """Return the `at` time to make up for at the start, None if there is none.

    It is the latest, no older than `catch_up` seconds and later than the `last` that was run.
    """
    if not isinstance(schedule, Times):
        return None
    # Any two days hold a time: it is no use to look further back.
    ticks = schedule.between(now - min(catch_up, 2 * DAY), math.floor(now) + 1)
    return ticks[-1] if ticks and (last is None or ticks[-1] > last) else None


def build(
    modules: Iterable[Module], *, service: str, host: str, timezone: ZoneInfo
) -> dict[str, Schedule]:
    """Return each module's schedule by name: the one place that plan and runners ask."""
    positions: Counter[float] = Counter()
    schedules: dict[str, Schedule] = {}
    for module in modules:
        if module.at:
            schedules[module.name] = Times(parse_times(module.at, module.every), timezone)
        elif module.every is not None:
            offset = grid_offset(service, host, module.every, positions[module.every])
            positions[module.every] += 1
            schedules[module.name] = Grid(module.every, offset)
    return schedules


def schedules(service: Service) -> Mapping[str, Schedule]:
    """Return the timetable of each module; the disabled, too: enabling one then moves no other."""
    return build(
        service.modules,
        service=service.service,
        host=service.labels["host"],
        timezone=service.timezone,
    )
