"""Times of the day as a service file writes them. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from supervisor.text import shortened

DAY = 86400
"""Seconds of a day, as the clock shows them."""

_TIME = re.compile(r"([0-9]{2}):([0-9]{2})(?:-([0-9]{2}):([0-9]{2}))?")
"""A time of the day, or a range of them."""


def parse_times(at: Sequence[str], every: float | None) -> tuple[int, ...]:
    """Return seconds after midnight, sorted, from `"HH:MM"` and `"HH:MM-HH:MM"`.

    A range has steps of `every` seconds. It may cross midnight, and its end belongs to it.
    Raises `ValueError` with what would be right.
    """
    return tuple(sorted({second for item in at for second in _expand(item, every)}))


@lru_cache(maxsize=1024)
def at_labels(at: tuple[str, ...], every: float | None) -> tuple[str, ...]:
    """Return the times as "HH:MM", in the order in which the file has them."""
    return tuple(
        f"{second // 3600:02}:{second // 60 % 60:02}"
        for item in at
        for second in _expand(item, every)
    )


def _expand(item: str, every: float | None) -> Iterable[int]:
    match = _TIME.fullmatch(item)
    if match is None:
        raise _not_a_time(item)
    numbers = [int(group) for group in match.groups() if group is not None]
    if any(n > 23 for n in numbers[::2]) or any(n > 59 for n in numbers[1::2]):
        raise _not_a_time(item)
    start = numbers[0] * 3600 + numbers[1] * 60
    if len(numbers) == 2:
        return [start]
    if every is None:
        remedy = 'write `every`, for example every = "30m"'
        raise ValueError(f"{item!r} is a range without steps; {remedy}")
    if not 1 <= every < math.inf:
        raise ValueError(f"{item!r} has steps of {every:g} s; write an `every` of '1s' or more")
    end = numbers[2] * 3600 + numbers[3] * 60
    end += DAY if end < start else 0
    return [int(start + n * every) % DAY for n in range(int((end - start) // every) + 1)]


def _not_a_time(item: str) -> ValueError:
    from supervisor.config.explain.schedules import times_for  # only errors need it

    return ValueError(f"{shortened(repr(item))} is not a time; {times_for(item)}")
