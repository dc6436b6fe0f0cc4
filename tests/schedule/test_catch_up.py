"""Times that were missed: which are made up for, and how many are counted."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from supervisor.schedule.schedule import Grid, Times, missed
from tests.schedule.moments import BERLIN, at, moment
from tests.support.strategies import days_with_changes


@pytest.mark.parametrize(
    ("last", "now", "expected"),
    [
        ("2026-05-04 09:00", "2026-05-05 09:05", "2026-05-05 09:00"),
        ("2026-05-05 09:00", "2026-05-05 09:05", None),
        ("2026-05-04 09:00", "2026-05-05 09:11", None),
        ("2026-05-04 09:00", "2026-05-05 09:00", "2026-05-05 09:00"),
        (None, "2026-05-05 09:05", "2026-05-05 09:00"),
        ("2026-05-04 09:00", "2026-05-05 08:59", None),
    ],
)
def test_a_missed_time_is_made_up_for_within_catch_up(
    last: str | None, now: str, expected: str | None
) -> None:
    found = missed(Times(at("09:00"), BERLIN), last and moment(last), moment(now), 600)  # type: ignore[arg-type]  # None stays None

    assert found == (expected and moment(expected))


def test_a_time_is_made_up_for_although_the_clocks_went_back_to_the_day_before() -> None:
    st_johns = ZoneInfo("America/St_Johns")  # at 00:01 it was 23:01 again
    midnight = datetime(2010, 11, 7, tzinfo=st_johns).timestamp()
    now = midnight + 660

    assert datetime.fromtimestamp(now, st_johns).strftime("%d %H:%M") == "06 23:11"
    assert missed(Times((0,), st_johns), None, now, 3600) == midnight
    assert missed(Times((0,), st_johns), midnight, now, 3600) is None


def test_a_long_catch_up_looks_for_the_latest_time_only() -> None:
    now = moment("2026-05-05 08:59")

    assert missed(Times(at("09:00"), BERLIN), None, now, 3e8) == moment("2026-05-04 09:00")


def test_a_grid_makes_up_for_nothing() -> None:
    assert missed(Grid(60, 0), None, 1000.0, 600) is None


YEARS = 56 * 365.25 * 86400
"""Seconds from 1970 to 2026: such a jump is made by a clock without a battery."""


@given(st.sampled_from([0.01, 0.1, 7.0, 60.0]), st.floats(0, 1e9), st.floats(0, 90))
@example(60.0, 120.0, 60.0)
def test_ticks_of_a_grid_are_counted_as_they_are_listed(
    every: float, start: float, length: float
) -> None:
    grid = Grid(every, every / 3)
    listed = grid.between(start, start + length)

    assert grid.count(start, start + length) == len(listed)
    assert not listed or grid.last_before(start + length) == listed[-1]
    assert grid.last_before(start + length) < start + length <= grid.next_after(start + length)


@given(days_with_changes(), st.sets(st.integers(0, 86399), min_size=1, max_size=20))
def test_times_are_counted_as_they_are_listed(
    where: tuple[ZoneInfo, date], seconds: set[int]
) -> None:
    zone, day = where
    times = Times(tuple(sorted(seconds)), zone)
    noon = datetime.combine(day, time(12), zone).timestamp()
    for start, end in ((noon - 86400, noon), (noon - 43200, noon + 86400)):
        listed = times.between(start, end)
        assert times.count(start, end) == len(listed)
        assert not listed or times.last_before(end) == listed[-1]


def test_a_jump_of_many_years_is_counted_without_a_look_at_each_tick() -> None:
    assert Grid(0.01, 0).count(0, YEARS) == pytest.approx(100 * YEARS)
    assert Grid(0.01, 0).last_before(YEARS) == pytest.approx(YEARS - 0.01)
    each_second = Times(tuple(range(86400)), BERLIN)
    assert each_second.count(0, YEARS) == pytest.approx(YEARS, abs=86400)
    assert each_second.last_before(YEARS) == YEARS - 1


def test_a_missed_time_is_found_however_many_there_are() -> None:
    each_second = Times(tuple(range(86400)), BERLIN)

    assert missed(each_second, 0.0, YEARS, 10 * YEARS) == YEARS
