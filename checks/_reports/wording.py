"""Dates, ordinals and bounds of texts that the reports share."""

from __future__ import annotations

from datetime import datetime

MAX_NAME = 80
"""The most characters of a name in the daily report."""

MAX_MESSAGE = 160
"""The most characters of a message in the daily report."""


def day(when: datetime) -> str:
    """Return a date for people: "Monday 23 November 2026"."""
    return f"{when:%A} {when.day} {when:%B %Y}"


def moment(when: datetime, now: datetime) -> str:
    """Return a time for people, in the zone of `now`: "08:41".

    The date stands before it unless it is today's.
    """
    local = when.astimezone(now.tzinfo)
    if local.date() == now.date():
        return f"{local:%H:%M}"
    year = "" if local.year == now.year else f" {local.year}"
    return f"{local.day} {local:%B}{year}, {local:%H:%M}"


def ordinal(number: int) -> str:
    """Return a number as an ordinal: "2nd"."""
    last = 0 if number % 100 in (11, 12, 13) else number % 10
    return f"{number}{({1: 'st', 2: 'nd', 3: 'rd'}).get(last, 'th')}"
