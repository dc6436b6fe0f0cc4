"""Times as a service file writes them: of each day, or of some days. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from attrs import frozen

from supervisor.text import shortened

if TYPE_CHECKING:
    from supervisor.config.calendars.days import Days

DAY = 86400
"""Seconds of a day, as the clock shows them."""

_TIME = re.compile(r"(?:(\S+) )?([0-9]{2}):([0-9]{2})(?:-([0-9]{2}):([0-9]{2}))?")
"""A time of the day, or a range of them. Days may stand before it."""


@frozen
class Span:
    """One item of `at`: a time, or a range of times, of each day or of some days."""

    days: Days | None
    """The days on which it begins. None: each day."""
    start: int
    """Seconds after midnight."""
    end: int | None
    """The same, or more than a day for a range that crosses midnight. None: it is one time."""


def parse_times(at: Sequence[str], every: float | None) -> tuple[int, ...]:
    """Return seconds after midnight, sorted, from `"HH:MM"` and `"HH:MM-HH:MM"`.

    A range has steps of `every` seconds. It may cross midnight, and its end belongs to it.
    On which days a time is due is left out. Raises `ValueError` with what would be right.
    """
    return tuple(sorted({second % DAY for item in at for second in steps(item, every)}))


@lru_cache(maxsize=1024)
def at_labels(at: tuple[str, ...], every: float | None) -> tuple[str, ...]:
    """Return the times as "HH:MM", in the order in which the file has them."""
    return tuple(
        f"{second // 3600 % 24:02}:{second // 60 % 60:02}"
        for item in at
        for second in steps(item, every)
    )


def steps(item: str, every: float | None) -> Iterable[int]:
    """Return the seconds after midnight of one item. Those of the next day are over a day."""
    span = parse_span(item)
    if span.end is None:
        return [span.start]
    if every is None:
        remedy = 'write `every`, for example every = "30m"'
        raise ValueError(f"{item!r} is a range without steps; {remedy}")
    if not 1 <= every < math.inf:
        raise ValueError(f"{item!r} has steps of {every:g} s; write an `every` of '1s' or more")
    return [int(span.start + n * every) for n in range(int((span.end - span.start) // every) + 1)]


def parse_span(item: str) -> Span:
    """Return what one item of `at` says. Raises `ValueError` with what would be right."""
    match = _TIME.fullmatch(item)
    if match is None:
        raise _not_a_time(item)
    days = None
    if match[1] is not None:
        from supervisor.config.calendars.days import parse_days  # few files name days

        if (days := parse_days(match[1])) is None:
            raise _not_a_time(item)
    numbers = [int(group) for group in match.groups()[1:] if group is not None]
    if any(n > 23 for n in numbers[::2]) or any(n > 59 for n in numbers[1::2]):
        raise _not_a_time(item)
    start = numbers[0] * 3600 + numbers[1] * 60
    if len(numbers) == 2:
        return Span(days, start, None)
    end = numbers[2] * 3600 + numbers[3] * 60
    return Span(days, start, end + DAY if end < start else end)


def _not_a_time(item: str) -> ValueError:
    from supervisor.config.explain.schedules import times_for  # only errors need it

    return ValueError(f"{shortened(repr(item))} is not a time; {times_for(item)}")
