"""Times, intervals and cron lines as other programs write them, and what they are here."""

from __future__ import annotations

import re

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

_DAYS = re.compile(
    r"\b(?:mon|tue|wed|thu|fri|sat|sun)(?:day|sday|nesday|rsday|urday)?s?\b|\bweek(?:day|end)s?\b",
    re.IGNORECASE,
)
"""The name of a weekday."""

_CLOCK = re.compile(r"(?<![0-9:])([0-9]{1,2})[:.h]([0-9]{1,2})(?::[0-9]{2})?(?![0-9:])")
"""A time of the day in any usual form."""

_HALF_DAY = re.compile(r"\b([0-9]{1,2})(?::([0-9]{2}))?\s*([ap])\.?m\b\.?", re.IGNORECASE)
"""A time of the day of twelve hours, such as "6 pm"."""

_NICKNAMES = {
    "hourly": 'every = "1h"',
    "daily": 'at = ["00:00"]',
    "midnight": 'at = ["00:00"]',
    "minutely": 'every = "1m"',
    "weekly": "",
    "monthly": "",
    "yearly": "",
    "annually": "",
}
"""What cron and systemd call some timetables, and what they are here. Empty: there is none."""

_CRON = re.compile(r"\s*(?:[0-9*,/-]+\s+){3,4}[0-9A-Za-z*,/-]+\s*")
"""A line of cron: four or five fields."""

EACH_DAY = (
    "times of `at` are of each day, there are no weekdays; "
    "let the program of a `command` check look at the day"
)
"""Said where somebody names weekdays."""

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
    found = []
    for hour, minute, half in _HALF_DAY.findall(text):
        shift = 12 if half.lower() == "p" else 0
        found.append(_time(str(int(hour) % 12 + shift), minute or "0"))
    found = found or [_time(match[1], match[2]) for match in _CLOCK.finditer(text)]
    if not found or "" in found:
        return _ANY_TIME
    if len(found) == 2 and re.search(r"[-\u2013\u2014]|\bto\b|\buntil\b", text):
        return f'write "{found[0]}-{found[1]}"'
    return "write " + ", ".join(f'"{each}"' for each in found)


def _time(hour: str, minute: str) -> str:
    fits = int(hour) < 24 and int(minute) < 60
    return f"{int(hour):02}:{int(minute):02}" if fits else ""


def timetable_for(text: str) -> str:
    """Return what to write for a cron line, a nickname of cron, or weekdays. Empty for others."""
    folded = text.strip().lower().lstrip("@")
    if folded in _NICKNAMES:
        right = _NICKNAMES[folded]
        return f"write {right}" if right else f"that is longer than a day; {EACH_DAY}"
    if _CRON.fullmatch(text):
        return _from_cron(text.split())
    if _DAYS.search(text):
        if times := [_time(match[1], match[2]) for match in _CLOCK.finditer(text)]:
            listed = ", ".join(f'"{each}"' for each in times)
            return f"write at = [{listed}]: {EACH_DAY}"
        return EACH_DAY
    return ""


def _from_cron(fields: list[str]) -> str:
    """Return the keys that say the same as a cron line, where that can be said."""
    minute, hour, *days = fields
    if any(day not in ("*", "?") for day in days):
        return f"cron lines are not read here; {EACH_DAY}"
    right = ""
    step = re.fullmatch(r"\*/([0-9]+)", minute)
    if minute == "*" and hour == "*":
        right = 'every = "1m"'
    elif step and hour == "*":
        right = f'every = "{step[1]}m"'
    elif minute.isdigit() and hour == "*":
        right = 'every = "1h"'
    elif minute.isdigit() and re.fullmatch(r"[0-9,]+", hour):
        listed = ", ".join(f'"{int(each):02}:{int(minute):02}"' for each in hour.split(",") if each)
        right = f"at = [{listed}]"
    elif minute.isdigit() and (hours := re.fullmatch(r"([0-9]+)-([0-9]+)", hour)):
        first, last = (f"{int(each):02}:{int(minute):02}" for each in hours.groups())
        right = f'every = "1h" and at = ["{first}-{last}"]'
    elif minute.isdigit() and (hours := re.fullmatch(r"\*/([0-9]+)", hour)):
        right = f'every = "{hours[1]}h"'
    return f"cron lines are not read here, write {right or 'every and at'}"
