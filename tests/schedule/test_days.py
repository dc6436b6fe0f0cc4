"""Times of some days: weekdays, days of the month, and what calendars leave out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.config.calendars.calendar import Calendar
from supervisor.config.calendars.days import WEEKDAYS, ordinal, parse_days
from supervisor.config.service import Module
from supervisor.observations import Duration
from supervisor.schedule.schedule import Times, build, times_of_day
from tests.support.strategies import days_with_changes

BERLIN = ZoneInfo("Europe/Berlin")
TEN_YEARS = date(2026, 1, 1), date(2036, 1, 1)
CLOCKS = ("00:00", "02:30", "09:00", "23:59")
WEEKDAY_ITEMS = st.tuples(st.sampled_from(WEEKDAYS), st.sampled_from(WEEKDAYS), st.booleans()).map(
    lambda given: f"{given[0]}-{given[1]}" if given[2] else given[0]
)
MONTH_ITEMS = st.integers(1, 31).map(ordinal) | st.just("last")
DAY_LISTS = st.lists(WEEKDAY_ITEMS | MONTH_ITEMS, min_size=1, max_size=3).map(",".join)


def calendar(*dates: date) -> Calendar:
    return Calendar(Path("kr.toml"), {day: f"holiday {day}" for day in dates})


def walls(times: Times, first: date, last: date) -> list[str]:
    """Return what the clock shows when something is due, from one midnight to another."""
    start, end = (datetime.combine(day, time(), times.timezone) for day in (first, last))
    found = times.between(start.timestamp(), end.timestamp())
    return [f"{datetime.fromtimestamp(at, times.timezone):%Y-%m-%d %H:%M}" for at in found]


# -- what is written ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Mon", "1"),
        ("Mon-Fri", "1 2 3 4 5"),
        ("Fri-Mon", "1 5 6 7"),
        ("Sun-Sun", "7"),
        ("Mon,Wed-Thu", "1 3 4"),
    ],
)
def test_weekdays_are_named_and_go_round_the_week(text: str, days: str) -> None:
    found = parse_days(text)

    assert found is not None
    week = (date(2026, 6, 1) + timedelta(each) for each in range(7))
    assert " ".join(str(day.isoweekday()) for day in week if found.has(day)) == days


@pytest.mark.parametrize(
    "text",
    ["", "mon", "Monday", "1", "1th", "2st", "0th", "32nd", "Mon-", "-Fri", "last-1st", "Mon,"],
)
def test_what_names_no_days_is_refused(text: str) -> None:
    assert parse_days(text) is None
    with pytest.raises(ValueError, match="is not a time; "):
        times_of_day((f"{text} 09:00",), BERLIN)


@given(st.text(max_size=20) | DAY_LISTS)
def test_any_text_is_days_or_a_value_error(text: str) -> None:
    try:
        times_of_day((f"{text} 09:00",), BERLIN)
    except ValueError:
        return


# -- when that is ---------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd")
@pytest.mark.parametrize(
    ("at", "calendar_event"),
    [
        ("Mon-Fri 09:00", "Mon..Fri *-*-* 09:00"),
        ("Fri-Mon 17:30", "Fri,Sat,Sun,Mon *-*-* 17:30"),
        ("Tue,Thu 00:00", "Tue,Thu *-*-* 00:00"),
        ("1st 08:00", "*-*-1 08:00"),
        ("15th,30th,31st 23:59", "*-*-15,30,31 23:59"),
        ("29th 12:00", "*-*-29 12:00"),
        ("last 18:00", "*-*~1 18:00"),
    ],
)
def test_days_are_those_of_systemd_for_ten_years(at: str, calendar_event: str) -> None:
    found = walls(times_of_day((at,), BERLIN), *TEN_YEARS)

    told = subprocess.run(
        ["systemd-analyze", "calendar", f"--iterations={len(found)}",
         "--base-time=2025-12-31 23:59:59", calendar_event],
        env={**os.environ, "TZ": BERLIN.key, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    theirs = re.findall(r"(?:elapse|Iter(?:\.|ation) #\d+): \w+ ([\d-]+ \d\d:\d\d)", told.stdout)

    assert len(found) > 70
    assert found == theirs


@given(
    days_with_changes(),
    st.lists(st.tuples(DAY_LISTS | st.just(""), st.sampled_from(CLOCKS)), min_size=1, max_size=4),
    st.sets(st.integers(-3, 3), max_size=3),
)
def test_times_of_some_days_agree_with_a_look_at_each_day(
    where: tuple[ZoneInfo, date], items: list[tuple[str, str]], left_out: set[int]
) -> None:
    """The model: of the times of each day, those of the days that the items name are kept."""
    zone, middle = where
    holidays = calendar(*(middle + timedelta(each) for each in left_out), date(1999, 1, 1))
    at = tuple(f"{days} {clock}".strip() for days, clock in items)
    times = times_of_day(at, zone, (holidays,))
    expected: set[float] = set()
    for ahead in range(-3, 4):
        day = middle + timedelta(ahead)
        start, end = (
            datetime.combine(each, time(), zone).timestamp() for each in (day, day + timedelta(1))
        )
        for days, clock in items:
            if ahead not in left_out and (not days or is_named(days, day)):
                expected |= set(times_of_day((clock,), zone).between(start, end))

    first, last = (
        datetime.combine(middle + timedelta(each), time(), zone).timestamp() for each in (-3, 4)
    )
    found = times.between(first, last)

    assert list(found) == sorted(expected)
    assert times.count(first, last) == len(found)
    assert not found or times.last_before(last) == found[-1]
    assert not found or times.next_after(first - 1) == found[0]


def is_named(days: str, day: date) -> bool:
    """The model of a list of days: as a person reads it."""
    name, last = day.strftime("%a"), monthrange(day.year, day.month)[1]
    for item in days.split(","):
        first, _, end = item.partition("-")
        if first in WEEKDAYS:
            week = [*WEEKDAYS, *WEEKDAYS][WEEKDAYS.index(first) :]
            if name in week[: week.index(end or first) + 1]:
                return True
        elif day.day == (last if item == "last" else int(item[:-2])):
            return True
    return False


def test_a_range_past_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    (times,) = build(
        [
            Module(
                check="disk",
                name="disk",
                at=("Fri 22:00-02:00",),
                every=Duration(7200),
                except_=(calendar(date(2026, 6, 12)),),
            )
        ],
        service="SHOP",
        host="shop1",
        timezone=BERLIN,
    ).values()
    assert isinstance(times, Times)

    assert walls(times, date(2026, 6, 1), date(2026, 6, 21)) == [
        "2026-06-05 22:00",
        "2026-06-06 00:00",
        "2026-06-06 02:00",
        "2026-06-19 22:00",
        "2026-06-20 00:00",
        "2026-06-20 02:00",
    ]


def test_a_jump_of_many_years_is_counted_by_the_days_that_have_times() -> None:
    times = times_of_day(("1st 09:00", "Mon 10:00"), ZoneInfo("UTC"))
    start, end = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (1970, 2026))

    mondays = (date(2025, 12, 29) - date(1970, 1, 5)).days // 7 + 1
    assert times.count(start, end) == 56 * 12 + mondays


def test_times_of_each_day_stay_as_cheap_as_they_were() -> None:
    assert times_of_day(("09:00",), BERLIN) == Times((32400,), BERLIN)
