"""When a module should run, worked out in the simplest way. Knows nothing of the supervisor's own.

All times are Unix seconds, as the host's clock shows them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from attrs import define, field, frozen

MINUTE = 60
DAY = 86400

SLOT = 0.2
"""Offsets of grids are whole multiples of it."""

EPSILON = 0.002
"""Seconds. Times nearer than that are the same."""

LONGEST_CHANGE = 3
"""Hours. No change of the clocks is longer."""


@define
class Grid:
    """A time every `every` seconds. Where it begins is learned from the first runs."""

    every: float
    offset: float | None = None

    def learn(self, moment: float) -> None:
        """Take a run that was in time. It was late by less than `SLOT`."""
        self.offset = math.floor((moment % self.every + EPSILON) / SLOT) * SLOT

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
        assert self.offset is not None
        return math.floor((moment - self.offset + EPSILON / 4) / self.every)

    def _at(self, number: int) -> float:
        assert self.offset is not None
        return self.offset + number * self.every


@frozen
class LocalTimes:
    """The times of the day of one module, found by walking through all minutes."""

    minutes: frozenset[int]
    """Minutes after midnight."""

    zone: ZoneInfo

    def count(self, after: float, until: float) -> int:
        """Return how many times there are after `after`, up to and with `until`."""
        first, last = (int(moment // DAY) for moment in (after, until))
        return sum(
            after < moment <= until for day in range(first, last + 1) for moment in self._of(day)
        )

    def last(self, until: float) -> float:
        """Return the last time up to and with `until`."""
        day = int(until // DAY)
        while not (found := [moment for moment in self._of(day) if moment <= until]):
            day -= 1
        return found[-1]

    def next(self, after: float) -> float:
        """Return the first time after `after`."""
        day = int(after // DAY)
        while not (found := [moment for moment in self._of(day) if moment > after]):
            day += 1
        return found[0]

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


@define
class Grids:
    """The grids of one service: modules with the same `every` and place share one."""

    known: dict[tuple[float, int], Grid] = field(factory=dict)

    def grid(self, every: float, place: int) -> Grid:
        """Return the grid of the module that is at this place among those with the same `every`."""
        return self.known.setdefault((every, place), Grid(every))
