"""A person with a watch, who says when maintenance windows are open: the model of the rules.

The watch is read each minute. A window opens when the watch passes its beginning for the first
time, and closes when it passes its end.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from attrs import define, frozen
from hypothesis import strategies as st

from supervisor.config.calendars.calendar import Calendar
from supervisor.config.service import Maintenance
from supervisor.observations import Duration

PLACES = (
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/St_Johns", date(2010, 11, 7)),
    ("Asia/Seoul", date(2026, 5, 31)),
)
"""Zones with days on which their clocks change; the last one has none."""

WORDS = ("", "Sat,Sun ", "Sun ", "last ", "1st,5th,7th ")
CLOCKS = (
    "01:30-02:30", "02:00-02:30", "02:15-02:45", "02:30-03:30", "01:00-04:00",
    "22:00-01:00", "23:30-02:10", "23:59-00:01", "00:00-00:30",
)  # fmt: skip
ITEMS = st.builds(str.__add__, st.sampled_from(WORDS), st.sampled_from(CLOCKS))
HOURS = 54
"""Hours that the watch goes, from the noon before the day before."""


@frozen
class Table:
    """A maintenance table, and how long its windows settle, in minutes."""

    items: tuple[str, ...]
    settle: int
    modules: tuple[str, ...]
    left_out: tuple[date, ...]

    def maintenance(self) -> Maintenance:
        holidays = Calendar(Path("c.toml"), dict.fromkeys((date(1999, 1, 1), *self.left_out), "x"))
        return Maintenance(
            name="work",
            at=self.items,
            except_=(holidays,),
            modules=self.modules,
            settle=Duration(60 * self.settle),
        )


@define
class Opened:
    """A window of the model that has opened."""

    closes: datetime | None
    """When it closes, by the wall clock; None: after `left` minutes."""
    left: int = 0


def is_day(words: str, day: date) -> bool:
    """Return whether the words of an item name the day."""
    match words.strip():
        case "":
            return True
        case "last":
            return (day + timedelta(1)).month != day.month
        case "1st,5th,7th":
            return day.day in (1, 5, 7)
    return day.strftime("%a") in words


@lru_cache(maxsize=2048)
def watch(table: Table, zone: str, start: float) -> tuple[tuple[bool, bool], ...]:
    """Return of each minute whether a window is open, and whether conditions are held."""
    found = []
    shown: set[datetime] = set()
    opened: list[Opened] = []
    settling = 0
    wall = datetime.fromtimestamp(start - 60 * 60 * 36, ZoneInfo(zone)).replace(tzinfo=None)
    for minute in range(-36 * 60 + 1, HOURS * 60):
        now = datetime.fromtimestamp(start + 60 * minute, ZoneInfo(zone)).replace(tzinfo=None)
        passed = []
        while wall < now:
            wall += timedelta(minutes=1)
            if wall not in shown:
                passed.append(wall)
        shown.update(passed)
        wall = now
        was_open = bool(opened)
        for window in [*opened]:
            window.left -= 1
            if window.closes in passed or (window.closes is None and window.left == 0):
                opened.remove(window)
        for label in passed:
            opened += _opening(table, label, is_skipped=label != now)
        opened = [each for each in opened if each.closes not in passed]
        settling = table.settle if was_open and not opened else max(0, settling - 1)
        if opened:
            settling = 0
        found.append((bool(opened), bool(opened) or settling > 0))
    return tuple(found[36 * 60 - 1 :])


def _opening(table: Table, label: datetime, *, is_skipped: bool) -> list[Opened]:
    opening = []
    for item in table.items:
        words, first, last = item[:-11], time.fromisoformat(item[-11:-6]), item[-5:]
        if label.time() != first or not is_day(words, label.date()):
            continue
        if label.date() in table.left_out:
            continue
        closes = datetime.combine(label.date(), time.fromisoformat(last))
        closes += timedelta(days=closes < label)
        length = int((closes - label).total_seconds()) // 60
        opening.append(Opened(None, length) if is_skipped else Opened(closes))
    return opening


TABLES = st.builds(
    Table,
    st.lists(ITEMS, min_size=1, max_size=3).map(tuple),
    st.sampled_from([0, 3, 61]),
    st.sampled_from([(), ("one",)]),
    st.lists(
        st.sampled_from([date(2026, 3, 29), date(2026, 10, 25), date(2026, 4, 4)]), max_size=1
    ).map(tuple),
)
"""Maintenance tables."""
