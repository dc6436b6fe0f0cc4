"""Days that repeat, as a time of `at` may name them: "Mon-Fri", "1st,15th", "last". Pure."""

from __future__ import annotations

import re
from datetime import date, timedelta

from attrs import frozen

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""How weekdays are written, in the order of `date.weekday`."""

LAST = "last"
"""How the last day of a month is written."""

_ORDINAL = re.compile(r"([1-9][0-9]?)(st|nd|rd|th)")
"""A day of the month: "1st"."""


@frozen
class Days:
    """Days of the week or of the month. An empty one has no day."""

    weekdays: frozenset[int] = frozenset()
    """Numbers as `date.weekday` has them."""
    numbers: frozenset[int] = frozenset()
    """Days of the month, from 1."""
    has_last: bool = False
    """Whether it has the last day of each month."""

    def has(self, day: date) -> bool:
        """Return whether the day is one of these."""
        if day.weekday() in self.weekdays or day.day in self.numbers:
            return True
        return self.has_last and (day + timedelta(days=1)).day == 1


EVERY_DAY = Days(frozenset(range(7)))
"""All days."""


def parse_days(text: str) -> Days | None:
    """Return the days that a list with commas names, or None if it is wrong.

    Its items are weekdays, ranges of them, days of the month and `last`.
    """
    weekdays: set[int] = set()
    numbers: set[int] = set()
    for item in text.split(","):
        first, dash, end = item.partition("-")
        if first in WEEKDAYS and (not dash or end in WEEKDAYS):
            start = WEEKDAYS.index(first)
            length = (WEEKDAYS.index(end) - start) % 7 if dash else 0
            weekdays |= {(start + each) % 7 for each in range(length + 1)}
        elif (number := _number(item)) is not None:
            numbers.add(number)
        elif item != LAST:
            return None
    return Days(frozenset(weekdays), frozenset(numbers), LAST in text.split(","))


def ordinal(number: int) -> str:
    """Return how a day of the month is written: "1st", "22nd"."""
    special = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if number // 10 == 1 else special.get(number % 10, 'th')}"


def _number(item: str) -> int | None:
    match = _ORDINAL.fullmatch(item)
    if match is None or not 1 <= int(match[1]) <= 31 or item != ordinal(int(match[1])):
        return None
    return int(match[1])
