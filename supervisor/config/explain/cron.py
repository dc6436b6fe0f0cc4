"""Lines of cron, and the keys that say the same here."""

from __future__ import annotations

import re
from collections.abc import Iterator

from supervisor.config import schema_text
from supervisor.config.calendars.days import LAST, WEEKDAYS, ordinal

LINE = re.compile(r"\s*(?:[0-9*?L,/-]+\s+){3,4}[0-9A-Za-z*?,/-]+\s*")
"""A line of cron: four or five fields."""

_NUMBERS = re.compile(r"[0-9]+(?:,[0-9]+)*")
"""Some numbers."""

_RANGE = re.compile(r"([0-9]+)-([0-9]+)")
"""A range of numbers."""

_STEP = re.compile(r"\*(?:/([0-9]+))?")
"""All numbers, or each so many."""

_ANY = ("*", "?")
"""A field that says nothing."""


def keys_for(line: str) -> str:
    """Return what says the same as a line of cron, or "" if nothing does."""
    minute, hour, *days = line.split()
    day, month, weekday = [*days, *"**"][:3]
    if month not in _ANY:
        return ""
    try:
        named = [*_days_of_month(day), *_weekdays(weekday)]
        every, times = _times(minute, hour)
    except ValueError:
        return ""
    if not named and not times:
        return f'every = "{every}"'
    # With days, a grid becomes a range of the whole day.
    times = times or [f"00:{minute if minute.isdigit() else 0:0>2}-23:59"]
    texts = [" ".join(filter(None, (day, at))) for day in named or [""] for at in times]
    listed = f"at = [{', '.join(map(schema_text.written, texts))}]"
    return f'every = "{every}" and {listed}' if every else listed


def _days_of_month(field: str) -> Iterator[str]:
    """Yield the days of the month as one text, if there are any. Raises `ValueError`."""
    if field not in _ANY:
        numbers = [ordinal(number) for number in _numbers(field.replace("L", "0"), 31)]
        yield ",".join(LAST if number == "0th" else number for number in numbers)


def _weekdays(field: str) -> Iterator[str]:
    """Yield the weekdays as one text, if there are any. Raises `ValueError`."""
    if field in _ANY:
        return
    text = field.capitalize()
    for number, name in enumerate(WEEKDAYS, 1):
        text = re.sub(rf"(?i)\b{name}\b", str(number), text)
    if span := _RANGE.fullmatch(text):
        first, last = (int(each) - 1 for each in span.groups())
        yield f"{WEEKDAYS[first % 7]}-{WEEKDAYS[last % 7]}"
    else:
        yield ",".join(WEEKDAYS[number - 1] for number in _numbers(text, 7))


def _times(minute: str, hour: str) -> tuple[str, list[str]]:
    """Return the interval, if there is one, and the times or ranges. Raises `ValueError`."""
    step, hours = _STEP.fullmatch(minute), _STEP.fullmatch(hour)
    if step:
        every = f"{step[1] or 1}m"
        if hours and not hours[1]:
            return every, []
        if span := _RANGE.fullmatch(hour):
            return every, [f"{int(span[1]):02}:00-{int(span[2]):02}:59"]
        return every, [f"{each:02}:00-{each:02}:59" for each in _numbers(hour, 23)]
    minutes = _numbers(minute, 59)
    if hours and len(minutes) == 1:
        return f"{hours[1] or 1}h", []
    if (span := _RANGE.fullmatch(hour)) and len(minutes) == 1:
        first, last = (f"{int(each):02}:{minutes[0]:02}" for each in span.groups())
        return "1h", [f"{first}-{last}"]
    return "", [f"{each:02}:{at:02}" for each in _numbers(hour, 23) for at in minutes]


def _numbers(field: str, most: int) -> list[int]:
    """Return the numbers of a list or a range. Raises `ValueError` for anything else."""
    if span := _RANGE.fullmatch(field):
        found = [*range(int(span[1]), int(span[2]) + 1)]
    elif _NUMBERS.fullmatch(field):
        found = [int(each) for each in field.split(",")]
    else:
        found = []
    if not found or max(found) > most:
        raise ValueError(field)
    return found
