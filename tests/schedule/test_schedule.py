"""When a module is due, on ordinary days and on those when clocks change."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from supervisor.config.times import parse_times
from supervisor.schedule.schedule import Grid, Times
from tests.schedule.moments import BERLIN, at, local
from tests.support.strategies import days_with_changes

EPOCHS = st.floats(0, 4e9)
INTERVALS = st.sampled_from([0.2, 1.0, 7.0, 10.0, 60.0, 61.5, 300.0, 3600.0, 86400.0])


@given(INTERVALS, st.floats(0, 1, exclude_max=True), EPOCHS)
def test_a_grid_never_drifts(every: float, share: float, moment: float) -> None:
    grid = Grid(every, math.floor(every * share * 5) / 5)

    tick = grid.next_after(moment)
    number = (tick - grid.offset) / every

    assert moment < tick <= moment + every + 1e-6
    assert number == pytest.approx(round(number), abs=1e-5)


@given(INTERVALS, EPOCHS, st.floats(0.1, 2000))
def test_a_grid_gives_one_answer_however_it_is_asked(
    every: float, start: float, length: float
) -> None:
    grid = Grid(every, math.floor(every * 4) / 5)
    end = start + min(length, 200 * every)
    stepped, tick = [], grid.next_after(start)
    while tick < end:
        stepped.append(tick)
        tick = grid.next_after(tick)

    assert [moment for moment in grid.between(start, end) if moment > start] == stepped


@given(st.sampled_from([0.1, 0.7, 1 / 3, 61.5]), EPOCHS)
@example(0.1, 1111803848.3)
def test_no_tick_is_lost_just_before_it_is_due(every: float, moment: float) -> None:
    grid = Grid(every, 0.0)
    tick = grid.next_after(moment)

    assert grid.next_after(math.nextafter(tick, 0)) == tick


def test_times_are_local_and_never_shifted() -> None:
    seoul = ZoneInfo("Asia/Seoul")

    assert local(seoul, date(2026, 11, 22), at("09:00", "16:30")) == ["09:00+0900", "16:30+0900"]


def test_a_time_in_the_gap_runs_once_right_after_it() -> None:
    found = local(BERLIN, date(2026, 3, 29), at("01:59", "02:30", "03:01"))

    assert found == ["01:59+0100", "03:00+0200", "03:01+0200"]


def test_many_times_in_the_gap_are_one_run() -> None:
    every_ten = parse_times(("01:50-03:10",), 600)

    assert local(BERLIN, date(2026, 3, 29), every_ten) == [
        "01:50+0100",
        "03:00+0200",
        "03:10+0200",
    ]


def test_a_time_in_the_fold_runs_once_at_the_first() -> None:
    found = local(BERLIN, date(2026, 10, 25), at("01:59", "02:30", "03:00"))

    assert found == ["01:59+0200", "02:30+0200", "03:00+0100"]


def test_who_starts_in_the_repeated_hour_does_not_run_its_times_again() -> None:
    times = Times(at("02:30", "02:50", "04:00"), BERLIN)
    again = datetime(2026, 10, 25, 2, 40, tzinfo=BERLIN, fold=1).timestamp()

    assert times.next_after(again) == datetime(2026, 10, 25, 4, tzinfo=BERLIN).timestamp()
    assert times.next_after(again - 3600) == again - 3000
    assert times.between(again, again + 3600) == ()


def test_a_shift_of_half_an_hour_is_followed() -> None:
    lord_howe = ZoneInfo("Australia/Lord_Howe")

    assert local(lord_howe, date(2026, 10, 4), at("01:59", "02:10", "02:30")) == [
        "01:59+1030",
        "02:30+1100",
    ]


def test_a_zone_that_skips_midnight_runs_when_the_day_begins() -> None:
    cairo = ZoneInfo("Africa/Cairo")

    assert local(cairo, date(2026, 4, 24), at("00:00", "00:30", "01:30")) == [
        "01:00+0300",
        "01:30+0300",
    ]


def test_a_whole_day_that_is_skipped_is_one_run() -> None:
    apia = ZoneInfo("Pacific/Apia")
    start = datetime(2011, 12, 29, 10, 0, tzinfo=UTC).timestamp()  # midnight of the 29th
    found = [
        datetime.fromtimestamp(tick, apia).strftime("%d %H:%M")
        for tick in Times(at("09:00", "17:00"), apia).between(start, start + 2 * 86400)
    ]

    assert found == ["29 09:00", "29 17:00", "31 00:00", "31 09:00", "31 17:00"]


@given(
    days_with_changes(),
    st.lists(st.integers(0, 1439), min_size=1, max_size=30, unique=True).map(
        lambda minutes: tuple(sorted(60 * minute for minute in minutes))
    ),
)
@example((BERLIN, date(2026, 3, 29)), (7200, 9000, 10800))
@example((ZoneInfo("America/Sao_Paulo"), date(2018, 11, 4)), (0, 1800, 3600))
def test_times_agree_with_a_watch_that_is_read_every_minute(
    where: tuple[ZoneInfo, date], seconds: tuple[int, ...]
) -> None:
    """The model: read the wall clock each minute; run when it passes a time for the first time."""
    zone, day = where
    start = datetime.combine(day, time(12), UTC).timestamp() - 2 * 86400
    shown: set[str] = set()
    expected = []
    last = datetime.fromtimestamp(start - 60, zone).replace(tzinfo=None)
    for tick in range(int(start), int(start) + 4 * 86400, 60):
        now = datetime.fromtimestamp(tick, zone).replace(tzinfo=None)
        due = False
        moment = last + timedelta(minutes=1)
        while moment <= now:  # more than one step where the wall clock leaps
            midnight = datetime.combine(moment, time())
            label = moment.isoformat()
            if int((moment - midnight).total_seconds()) in seconds and label not in shown:
                shown.add(label)
                due = True
            moment += timedelta(minutes=1)
        last = now
        if due:
            expected.append(float(tick))

    # The edges are cut: the model does not know what was shown before it began.
    found = Times(seconds, zone).between(start + 86400, start + 3 * 86400)

    assert list(found) == [t for t in expected if start + 86400 <= t < start + 3 * 86400]


@given(days_with_changes(), st.sets(st.integers(0, 86399), min_size=1, max_size=20))
def test_the_next_time_is_always_later_and_none_is_left_out(
    where: tuple[ZoneInfo, date], seconds: set[int]
) -> None:
    zone, day = where
    times = Times(tuple(sorted(seconds)), zone)
    start = datetime.combine(day, time(), zone).timestamp() - 3600
    stepped = [start]
    while stepped[-1] < start + 2 * 86400:
        stepped.append(times.next_after(stepped[-1]))

    assert all(earlier < later for earlier, later in pairwise(stepped))
    assert all(times.next_after(math.nextafter(tick, 0)) == tick for tick in stepped[1:])
    assert times.between(start + 0.001, stepped[-1]) == tuple(stepped[1:-1])
