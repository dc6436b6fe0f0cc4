"""When a module should run, worked out in the simplest way. Knows nothing of the supervisor's own.

All times are Unix seconds, as the host's clock shows them.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from attrs import frozen

from tests.simulation.events import Timed
from tests.simulation.scenario import HOST, SERVICE

MINUTE = 60
DAY = 86400

SLOT = 0.2
"""Offsets of grids are whole multiples of it."""

GROUP = 8
"""Modules with the same `every` that have the same grid."""

GOLDEN_RATIO = (math.sqrt(5) - 1) / 2
"""The share of an interval between a group and the next."""

EPSILON = 0.002
"""Seconds. Times nearer than that are the same."""

LONGEST_CHANGE = 3
"""Hours. No change of the clocks is longer."""


@frozen
class Grid:
    """A time every `every` seconds, counted from `offset` seconds after the Unix epoch."""

    every: float
    offset: float

    def count(self, after: float, until: float) -> int:
        """Return how many times there are after `after`, up to and with `until`."""
        return max(0, self._number(until) - self._number(after))

    def last(self, until: float) -> float:
        """Return the last time up to and with `until`."""
        return self._at(self._number(until))

    def next(self, after: float) -> float:
        """Return the first time after `after`."""
        return self._at(self._number(after) + 1)

    def _number(self, moment: float) -> int:
        return math.floor((moment - self.offset + EPSILON / 4) / self.every)

    def _at(self, number: int) -> float:
        return self.offset + number * self.every


@frozen
class LocalTimes:
    """The times of the day of one module, found by walking through all minutes."""

    minutes: frozenset[int]
    """Minutes after midnight."""

    zone: ZoneInfo

    def count(self, after: float, until: float) -> int:
        """Return how many times there are after `after`, up to and with `until`."""
        until = max(after, until)
        first, last = (int(moment // DAY) for moment in (after, until))
        return sum(
            bisect_right(times, until) - bisect_right(times, after)
            for times in map(self._of, range(first, last + 1))
        )

    def last(self, until: float) -> float:
        """Return the last time up to and with `until`."""
        day = int(until // DAY)
        while not (place := bisect_right(self._of(day), until)):
            day -= 1
        return self._of(day)[place - 1]

    def next(self, after: float) -> float:
        """Return the first time after `after`."""
        day = int(after // DAY)
        while (place := bisect_right(self._of(day), after)) == len(self._of(day)):
            day += 1
        return self._of(day)[place]

    def _of(self, day: int) -> tuple[float, ...]:
        return _times_of(self.minutes, self.zone, day)


@lru_cache(maxsize=512)
def _times_of(minutes: frozenset[int], zone: ZoneInfo, day: int) -> tuple[float, ...]:
    shown = _first_shown(zone, day)
    return tuple(moment for moment, new in shown if not minutes.isdisjoint(new))


@lru_cache(maxsize=64)
def _first_shown(zone: ZoneInfo, day: int) -> tuple[tuple[float, range | tuple[int, ...]], ...]:
    """Return the minutes of a UTC day, each with the minutes of the clock that it shows first.

    When clocks go ahead, one minute also brings what they skip. When they go back, the minutes
    that they show again bring nothing.
    """
    start = day * DAY
    if (offset := _offset(zone, start - LONGEST_CHANGE * 3600)) == _offset(zone, start + DAY):
        first = start // MINUTE + offset  # the clock does not change
        return tuple(
            (float(start + minute * MINUTE), ((first + minute) % (24 * 60),))
            for minute in range(24 * 60)
        )
    highest = -math.inf
    found = []
    for moment in range(start - LONGEST_CHANGE * 3600, start + DAY, MINUTE):
        local = datetime.fromtimestamp(moment, zone)
        shown = local.toordinal() * 24 * 60 + local.hour * 60 + local.minute
        if moment >= start and shown > highest:
            new = tuple(minute % (24 * 60) for minute in range(int(highest) + 1, shown + 1))
            found.append((float(moment), new))
        highest = max(highest, shown)
    return tuple(found)


def _offset(zone: ZoneInfo, moment: int) -> int:
    """Return by how many minutes the clock is ahead of UTC."""
    ahead = datetime.fromtimestamp(moment, zone).utcoffset()
    assert ahead is not None
    return int(ahead.total_seconds()) // MINUTE


def local_times(at: Iterable[str], every: float | None, zone: ZoneInfo) -> LocalTimes:
    """Return the times of `"HH:MM"` and `"HH:MM-HH:MM"`. Ranges have steps of whole minutes."""
    minutes: set[int] = set()
    for item in at:
        first, _, last = item.partition("-")
        begin = end = _minute(first)
        if last:
            end = _minute(last)
            end += 24 * 60 if end < begin else 0
        step = round((every or 60) / MINUTE)
        minutes.update(minute % (24 * 60) for minute in range(begin, end + 1, step))
    return LocalTimes(frozenset(minutes), zone)


def _minute(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def grids(timetable: Iterable[Timed]) -> dict[str, Grid]:
    """Return the grid of each module that has `every` alone, by its name."""
    phase = int(hashlib.sha256(f"{SERVICE}\0{HOST}".encode()).hexdigest()[:12], 16) / 1000
    found: dict[str, Grid] = {}
    names: dict[float, list[str]] = {}
    placed: list[frozenset[int]] = []
    for timed in timetable:
        if timed.at or timed.every is None:
            continue
        before, every = names.setdefault(timed.every, []), timed.every
        group, others = divmod(len(before), GROUP)
        if others:
            found[timed.name] = found[before[-1]]
        else:
            wanted = math.floor((phase + GOLDEN_RATIO * every * group) % every * 1000 / 200)
            found[timed.name] = _place(wanted, every, placed)
            placed.append(_slots(found[timed.name]))
        before.append(timed.name)
    return found


def _place(wanted: int, every: float, placed: Iterable[frozenset[int]]) -> Grid:
    """Return the grid of a new group near a slot: it meets one other group, or else none."""
    near = [Grid(every, slot * SLOT % every) for slot in (wanted, wanted - 1, wanted + 1)]
    for others in (1, 0):
        for grid in near:
            met = [sum(slot in other for other in placed) for slot in _slots(grid)]
            if met and max(met) == others:
                return grid
    return near[0]


def _slots(grid: Grid) -> frozenset[int]:
    """Return the slots in which each minute has its times. None if minutes differ."""
    every = round(grid.every * 1000)
    if every % 200 or (60_000 % every and every % 60_000):
        return frozenset()
    times = (grid.offset + number * grid.every for number in range(300))
    return frozenset(round(time / SLOT) % 300 for time in times)
