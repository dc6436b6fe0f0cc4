"""Dates and times in YAML as Ruby's Psych reads them; used by `psych`.

Only their text is kept: it is what `to_json` gives to a legacy module.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from attrs import frozen

from supervisor.convert.legacy_yaml.fault import Unreadable

TIME = re.compile(
    r"-?\d{4}-\d{1,2}-\d{1,2}(?:[Tt]|\s+)\d{1,2}:\d\d:\d\d(?:\.\d*)?"
    r"(?:\s*(?:Z|[-+]\d{1,2}:?(?:\d\d)?))?",
    re.ASCII,
)
"""What Psych takes for a time."""

DATE = re.compile(r"\d{4}-(?:1[012]|0\d|\d)-(?:[12]\d|3[01]|0\d|\d)", re.ASCII)
"""What Psych takes for a date."""

_DAY = re.compile(r"(-?\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
"""The date of a time, as Psych reads it."""

_CLOCK = re.compile(r"(\d+:\d+:\d+)(?:\.(\d*))?\s*(Z|[-+]\d+(?::\d\d)?)?", re.ASCII)
"""The time of day, its fraction and its offset."""

_OFFSET = re.compile(r"([+-]?\d{1,2}):?(\d{1,2})?", re.ASCII)
"""The hours and minutes of an offset."""

_LAST_JULIAN = (1582, 10, 4)
"""The last day of the Julian calendar in Ruby."""

_FIRST_GREGORIAN = (1582, 10, 15)
"""The day after it."""


@frozen
class Date:
    """A date."""

    text: str
    """The date as Ruby shows it."""


@frozen
class Time:
    """A moment; Ruby shows it in the machine's zone if it has no offset of its own."""

    moment: datetime
    """When it is."""

    zone: str
    """`UTC`; `offset` for an offset of its own; `local` for none."""

    def shown(self, local: ZoneInfo) -> str:
        """Return it as Ruby's `to_s` does on a machine in the zone."""
        at = self.moment.astimezone(local) if self.zone == "local" else self.moment
        offset = "UTC" if self.zone == "UTC" else f"{at:%z}"[:5]
        return f"{at.year:04}-{at:%m-%d %H:%M:%S} {offset}"


def parse_date(text: str) -> Date | None:
    """Return the date, None if the calendar that Ruby uses does not have it.

    Ruby's calendar is the Julian one up to 1582-10-04 and then leaps to 1582-10-15.
    """
    year, month, day = map(int, text.split("-"))
    if (year, month, day) >= _FIRST_GREGORIAN:
        try:
            date(year, month, day)
        except ValueError:
            return None
    elif (year, month, day) > _LAST_JULIAN or not _is_julian(year, month, day):
        return None
    return Date(f"{year:04}-{month:02}-{day:02}")


def parse_time(text: str) -> Time | None:
    """Return the moment, None if the clock or calendar does not have it; raises `Unreadable`."""
    day, clock = _split(text)
    hour, minute, second = map(int, clock[1].split(":"))
    year, month, of_month = map(int, day.groups())
    if not _is_clock(hour, minute, second) or not (1 <= month <= 12 and 1 <= of_month <= 31):
        return None
    offset = _offset(clock[3])
    if offset is None:
        return None
    if not 1 < year < 9998:
        raise Unreadable("is a time beyond the years 2 to 9997")
    # Ruby takes 31 February for 3 March, and 24:00:00 for the next day's 00:00:00.
    since = timedelta(days=of_month - 1, hours=hour, minutes=minute, seconds=second)
    moment = datetime(year, month, 1, tzinfo=timezone(offset)) + since
    if clock[3] is None:
        return Time(moment, "local")
    if clock[3] == "Z":
        return Time(moment, "UTC")
    return Time(moment, "offset")


def _split(text: str) -> tuple[re.Match[str], re.Match[str]]:
    parts = re.split("[ tT]", text, maxsplit=1)
    day = _DAY.match(parts[0])
    clock = _CLOCK.search(parts[1]) if len(parts) == 2 else None
    if day is None or clock is None:
        raise Unreadable("is a time with a tab in it, which the agent could not read")
    return day, clock


def _offset(written: str | None) -> timedelta | None:
    """Return the offset from UTC, None if Ruby refuses it."""
    if written in (None, "Z"):
        return timedelta()
    found = _OFFSET.fullmatch(written or "")
    if found is None:
        return None
    hours, minutes = int(found[1]), int(found[2] or 0)
    seconds = hours * 3600 + (-minutes if hours < 0 else minutes) * 60
    return timedelta(seconds=seconds) if abs(seconds) < 86400 else None


def _is_clock(hour: int, minute: int, second: int) -> bool:
    if hour == 24:
        return minute == second == 0
    return hour < 24 and minute < 60 and second <= 60


def _is_julian(year: int, month: int, day: int) -> bool:
    if not 1 <= month <= 12:
        return False
    lengths = (31, 29 if year % 4 == 0 else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return 1 <= day <= lengths[month - 1]
