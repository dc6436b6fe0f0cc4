"""When a module is due, on ordinary days and on those when clocks change."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from supervisor.config.times import at_labels, parse_times
from supervisor.schedule.schedule import Grid, Times, missed
from supervisor.text import parse_duration
from tests.support.strategies import days_with_changes

BERLIN = ZoneInfo("Europe/Berlin")
EPOCHS = st.floats(0, 4e9)
INTERVALS = st.sampled_from([0.2, 1.0, 7.0, 10.0, 60.0, 61.5, 300.0, 3600.0, 86400.0])


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


# -- durations and times of the day ---------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("1h30m", 5400), ("2d", 172800), (15, 15), (0.5, 0.5), ("0s", 0)],
)
def test_durations_are_read_in_seconds(text: object, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "5x", "m", "5", "1m1h", "-5m", " 5m", "5m ", "\uff15m", "1.5h", None, True, [], 1e400],
)
def test_what_is_no_duration_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match="is not a duration; write for example '5m'"):
        parse_duration(text)


@given(st.text() | st.text("0123456789dhms"))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    try:
        assert parse_duration(text) >= 0
    except ValueError:
        return


@pytest.mark.parametrize(
    ("items", "every", "labels"),
    [
        (("09:00", "16:30"), None, ("09:00", "16:30")),
        (("16:30", "09:00"), None, ("16:30", "09:00")),
        (("08:00-09:00",), 1800, ("08:00", "08:30", "09:00")),
        (("08:00-08:50",), 1800, ("08:00", "08:30")),
        (("08:00-08:00",), 60, ("08:00",)),
        (("23:00-01:00",), 3600, ("23:00", "00:00", "01:00")),
        (("08:00-08:10", "09:00"), 600, ("08:00", "08:10", "09:00")),
    ],
)
def test_times_are_expanded_in_their_order(
    items: tuple[str, ...], every: float | None, labels: tuple[str, ...]
) -> None:
    assert at_labels(items, every) == labels
    assert parse_times(items, every) == tuple(
        sorted(int(label[:2]) * 3600 + int(label[3:]) * 60 for label in labels)
    )


@pytest.mark.parametrize(
    "item",
    ["24:00", "9:00", "09:60", "09:00-", "09-10", "", "\u0660\u0669:\u0660\u0660", "09:00\n"],
)
def test_what_is_no_time_is_refused_with_an_example(item: str) -> None:
    with pytest.raises(ValueError, match="is not a time; write "):
        parse_times((item,), 60)


@pytest.mark.parametrize("every", [0.0, -5.0, 0.5, math.nan, math.inf])
def test_steps_of_less_than_a_second_are_refused(every: float) -> None:
    with pytest.raises(ValueError, match="; write an `every` of '1s' or more"):
        parse_times(("09:00-10:00",), every)


def test_a_long_text_is_cut_so_that_the_remedy_is_seen() -> None:
    with pytest.raises(ValueError, match="… is not a duration; write for example '5m'"):
        parse_duration("x" * 5000)
    with pytest.raises(ValueError, match='… is not a time; write for example "09:00"'):
        parse_times(("x" * 5000,), None)


def test_a_range_needs_steps() -> None:
    with pytest.raises(ValueError, match="is a range without steps; write `every`"):
        parse_times(("09:00-10:00",), None)


# -- the grid -------------------------------------------------------------------------------


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


# -- local times ----------------------------------------------------------------------------


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


# -- what was missed ------------------------------------------------------------------------


def moment(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=BERLIN).timestamp()


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


# -- how many there are ---------------------------------------------------------------------

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
