"""Durations and moments in the words of the page. They are short and show milliseconds and days."""

from __future__ import annotations

from datetime import date, datetime
from typing import Self
from zoneinfo import ZoneInfo

from attrs import frozen


@frozen
class Time:
    """A time of day in the service's zone, with its date unless that is today."""

    text: str
    machine: str


@frozen
class Moments:
    """Words times as they are seen now, in the service's zone."""

    zone: ZoneInfo
    today: date

    @classmethod
    def of(cls, now: float, zone: ZoneInfo) -> Self:
        """Return what words times at `now`, in Unix seconds."""
        return cls(zone, datetime.fromtimestamp(now, zone).date())

    def at(self, seconds: float) -> Time:
        """Word Unix seconds."""
        when = datetime.fromtimestamp(seconds, self.zone)
        text = f"{when:%H:%M:%S}" if when.date() == self.today else f"{when.day} {when:%b %H:%M}"
        return Time(text, when.isoformat(timespec="seconds"))

    def read(self, text: str | None) -> Time | None:
        """Word a time of the status document."""
        return None if text is None else self.at(datetime.fromisoformat(text).timestamp())


def brief(seconds: float) -> str:
    """Return a duration for people: `98 µs`, `3 ms`, `0.25 s`, `12 s`, `5 min`."""
    if 0 < seconds < 0.0000995:
        return f"{seconds * 1e6:.2g} µs"
    if seconds < 0.0995:
        return f"{seconds * 1000:.2g} ms" if seconds < 0.00995 else f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.2g} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def minutes(seconds: float) -> str:
    """Return how long something has lasted. The text changes once a minute."""
    return "less than a minute" if seconds < 60 else span(seconds // 60 * 60)


def span(seconds: float) -> str:
    """Return a long duration for people: `40 s`, `12 min`, `3 h 5 min`, `12 d 4 h`."""
    whole = max(0, int(seconds))
    days, hours, mins = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {mins} min"
    return f"{mins} min" if mins else f"{whole} s"
