"""The time that a PNR report covers: from the end of the last committed report to now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta, timezone
from typing import Any

from attrs import frozen

DAY = timedelta(days=1)
"""One day by the wall clock."""

MAX_AHEAD = timedelta(hours=2)
"""When the last report ended further ahead, the clock was wrong at that time."""


@frozen
class Window:
    """A span of whole minutes. Both times are aware, and of one zone."""

    since: datetime
    """The first moment in it."""

    until: datetime
    """The first moment after it."""

    @property
    def day_before(self) -> Window:
        """The window at the same times of the day before, by the wall clock."""
        return Window(self.since - DAY, self.until - DAY)

    def values(self, moment: datetime) -> dict[str, datetime]:
        """Return both times for a database, without their zone.

        Both have the distance from UTC that the zone has at the given moment.
        """
        offset = timezone(moment.utcoffset() or timedelta())
        return {
            "since": self.since.astimezone(offset).replace(tzinfo=None),
            "until": self.until.astimezone(offset).replace(tzinfo=None),
        }


def next_window(
    state: Mapping[str, Any], now: datetime, at: Sequence[str], length: timedelta | None
) -> Window | None:
    """Return the window that begins where the last report ended. None if it would be empty.

    The first report looks back by `length`. Without one it begins at the time in `at` before its
    own.
    """
    until = now.replace(second=0, microsecond=0)
    last = recall(state, until)
    if last is None:
        last = until - length if length else _time_before(until, at)
    return Window(last, until) if last < until else None


def remember(window: Window) -> dict[str, str]:
    """Return the state that the next report needs."""
    return {"until": window.until.isoformat()}


def recall(state: Mapping[str, Any], until: datetime) -> datetime | None:
    """Return where the last report ended, in the zone of `until`. None if that is not known."""
    try:
        last = datetime.fromisoformat(state["until"]).astimezone(until.tzinfo)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return None
    return last if last - until <= MAX_AHEAD else None


def _time_before(until: datetime, at: Sequence[str]) -> datetime:
    """Return the time in `at` before the one that is due now. Without any, return a day ago."""
    times = sorted(time.fromisoformat(text) for text in at)
    days = (until - 2 * DAY, until - DAY, until)
    past = [
        moment
        for day in days
        for each in times
        if (moment := day.replace(hour=each.hour, minute=each.minute)) <= until
    ]
    return past[-2] if len(past) > 1 else until - DAY
