"""The time that a report covers: from the end of the last one that was committed to now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta, timezone
from typing import Any

from attrs import frozen

DAY = timedelta(days=1)
MAX_AHEAD = timedelta(hours=2)
"""A last report that ended further ahead was made by a clock that was wrong."""


@frozen
class Window:
    """From `since`, inclusive, to `until`, exclusive; aware, of one zone, and of whole minutes."""

    since: datetime
    until: datetime

    @property
    def day_before(self) -> Window:
        """The same times by the wall clock, one day earlier."""
        return Window(self.since - DAY, self.until - DAY)

    def values(self, moment: datetime) -> dict[str, datetime]:
        """Return since and until for a database, by the zone's distance from UTC at a moment."""
        offset = timezone(moment.utcoffset() or timedelta())
        return {
            "since": self.since.astimezone(offset).replace(tzinfo=None),
            "until": self.until.astimezone(offset).replace(tzinfo=None),
        }


def next_window(
    state: Mapping[str, Any], now: datetime, at: Sequence[str], length: timedelta | None
) -> Window | None:
    """Return the window that begins where the last report ended; None if nothing has passed since.

    The first report looks back by `length`, else to the time of the day before its own.
    """
    until = now.replace(second=0, microsecond=0)
    last = recall(state, until)
    if last is None:
        last = until - length if length else _time_before(until, at)
    return Window(last, until) if last < until else None


def remember(window: Window) -> dict[str, str]:
    """Return what the next report must know, as a check's state."""
    return {"until": window.until.isoformat()}


def recall(state: Mapping[str, Any], until: datetime) -> datetime | None:
    """Return where the last report ended, in the zone of `until`; None if that is not known."""
    try:
        last = datetime.fromisoformat(state["until"]).astimezone(until.tzinfo)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return None
    return last if last - until <= MAX_AHEAD else None


def _time_before(until: datetime, at: Sequence[str]) -> datetime:
    """Return the time of the day before the one that is due now; a day ago without any."""
    times = sorted(time.fromisoformat(text) for text in at)
    days = (until - 2 * DAY, until - DAY, until)
    past = [
        moment
        for day in days
        for each in times
        if (moment := day.replace(hour=each.hour, minute=each.minute)) <= until
    ]
    return past[-2] if len(past) > 1 else until - DAY
