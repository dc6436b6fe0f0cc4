"""Times, intervals and cron lines as other programs write them, and what they are here."""

from __future__ import annotations

import re
from collections.abc import Iterator

from supervisor.config.calendars.days import ordinal
from supervisor.config.explain import cron
from supervisor.text import duration

_UNITS = {
    "ms": 0.001,
    "millisecond": 0.001,
    "s": 1,
    "sec": 1,
    "second": 1,
    "m": 60,
    "mn": 60,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hr": 3600,
    "hour": 3600,
    "d": 86400,
    "day": 86400,
    "w": 604800,
    "week": 604800,
}
"""Seconds of each unit of time, by the names that people use."""

_AMOUNT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-zA-Z]+)\s*")
"""One part of a duration, such as "5 minutes"."""

_WEEKDAY = r"(?:mon|tue|wed|thu|fri|sat|sun)(?:s?day|sday|nesday|rsday|urday)?s?"

_DAY = re.compile(
    rf"\b({_WEEKDAY})\b(?:\s*(?:[-\u2013\u2014]|\.\.|to|until)\s*({_WEEKDAY})\b)?"
    r"|\b(week(?:day|end)s?)\b|\b([0-9]{1,2})(?:st|nd|rd|th)\b|\b(last)\b",
    re.IGNORECASE,
)
"""The name of a weekday or of a day of the month, or a range of weekdays."""

_CLOCK = re.compile(r"(?<![0-9:])([0-9]{1,2})[:.h]([0-9]{1,2})(?::[0-9]{2})?(?![0-9:])")
"""A time of the day in any usual form."""

_HALF_DAY = re.compile(r"\b([0-9]{1,2})(?::([0-9]{2}))?\s*([ap])\.?m\b\.?", re.IGNORECASE)
"""A time of the day of twelve hours, such as "6 pm"."""

_NICKNAMES = {
    "hourly": 'every = "1h"',
    "daily": 'at = ["00:00"]',
    "midnight": 'at = ["00:00"]',
    "minutely": 'every = "1m"',
    "weekly": 'at = ["Mon 00:00"]',
    "monthly": 'at = ["1st 00:00"]',
    "yearly": "",
    "annually": "",
}
"""What cron and systemd call some timetables, and what they are here. Empty: there is none."""

BEFORE_A_TIME = 'write the days before each time: at = ["Mon-Fri 09:00", "1st,15th 08:00"]'
"""Said where somebody names days, but no time, or not in that way."""

_NO_OTHERS = (
    "`at` has weekdays and days of the month alone; "
    "let the program of a `command` check look at the date"
)
"""Said of a timetable that cannot be written here."""

_ANY_DURATION = 'write for example "5m"'

_ANY_TIME = 'write for example "09:00" or "08:00-18:00"'


def duration_for(text: str) -> str:
    """Return the remedy for text that is not a duration."""
    if remedy := timetable_for(text):
        return remedy
    folded = text.strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", folded):
        return f'write "{folded}s" or "{folded}m", with its unit'
    parts = _AMOUNT.findall(folded)
    if parts and not _AMOUNT.sub("", folded).strip(" ,"):
        sizes = [
            _UNITS.get(unit.lower()) or _UNITS.get(unit.lower().rstrip("s")) for _, unit in parts
        ]
        if all(sizes):
            seconds = sum(float(n) * (size or 0) for (n, _), size in zip(parts, sizes, strict=True))
            right = (
                f'"{duration(seconds)}"' if seconds == int(seconds) else f"{seconds:g}, in seconds"
            )
            return f"write {right}"
    if match := _CLOCK.fullmatch(folded):
        seconds = int(match[1]) * 3600 + int(match[2]) * 60
        hint = f', or "{duration(seconds)}"' if seconds else ""
        return f'write at = ["{int(match[1]):02}:{match[2]}"] for a time of the day{hint}'
    return _ANY_DURATION


def times_for(text: str) -> str:
    """Return the remedy for text that is not a time of the day, or a range of them."""
    if remedy := timetable_for(text):
        return remedy
    found = _ranges_in(text)
    listed = ", ".join(f'"{each}"' for each in found)
    return f"write {listed}" if found else _ANY_TIME


def _ranges_in(text: str) -> list[str]:
    """Return the times that a text names, or one range. Empty if one of them cannot be."""
    found = []
    for hour, minute, half in _HALF_DAY.findall(text):
        shift = 12 if half.lower() == "p" else 0
        found.append(_time(str(int(hour) % 12 + shift), minute or "0"))
    found = found or [_time(match[1], match[2]) for match in _CLOCK.finditer(text)]
    if "" in found:
        return []
    if len(found) == 2 and re.search(r"[-\u2013\u2014]|\bto\b|\buntil\b", text):
        return [f"{found[0]}-{found[1]}"]
    return found


def _time(hour: str, minute: str) -> str:
    fits = int(hour) < 24 and int(minute) < 60
    return f"{int(hour):02}:{int(minute):02}" if fits else ""


def timetable_for(text: str) -> str:
    """Return what to write for a cron line, a nickname of cron, or days. Empty for others."""
    folded = text.strip().lower().lstrip("@")
    if folded in _NICKNAMES:
        right = _NICKNAMES[folded]
        return f"write {right}" if right else _NO_OTHERS
    if cron.LINE.fullmatch(text):
        right = cron.keys_for(text)
        return f"cron lines are not read here{f', write {right}' if right else f'; {_NO_OTHERS}'}"
    days = [*_days_in(text)]
    if not days:
        return ""
    if len({day[0].isupper() for day in days}) > 1:
        return _NO_OTHERS  # such as "2nd Tue"
    times = _ranges_in(_DAY.sub("", text))
    listed = ", ".join(f'"{",".join(days)} {each}"' for each in times)
    return f"write at = [{listed}]" if times else BEFORE_A_TIME


def _days_in(text: str) -> Iterator[str]:
    """Yield the days that a text names, as `at` has them."""
    for first, end, week, number, last in _DAY.findall(text):
        if week:
            yield "Mon-Fri" if "day" in week.lower() else "Sat,Sun"
        elif first:
            yield "-".join(each[:3].capitalize() for each in (first, end) if each)
        elif number and 1 <= int(number) <= 31:
            yield ordinal(int(number))
        elif last:
            yield "last"
