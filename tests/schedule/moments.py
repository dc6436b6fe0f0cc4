"""Moments in time zones, for the tests of schedules."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from supervisor.config.times import parse_times
from supervisor.schedule.schedule import Times

BERLIN = ZoneInfo("Europe/Berlin")


def local(zone: ZoneInfo, day: date, seconds: tuple[int, ...]) -> list[str]:
    """Return the day's runs as they read on the wall, with the offset."""
    start = datetime.combine(day, time(), zone).timestamp()
    end = datetime.combine(day + timedelta(1), time(), zone).timestamp()
    return [
        datetime.fromtimestamp(tick, zone).strftime("%H:%M%z")
        for tick in Times(seconds, zone).between(start, end)
    ]


def at(*texts: str) -> tuple[int, ...]:
    return parse_times(texts, None)


def moment(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=BERLIN).timestamp()
