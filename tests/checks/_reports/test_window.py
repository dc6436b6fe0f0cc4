"""The windows of reports: each moment is in exactly one of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._reports.window import MAX_AHEAD, Window, next_window, recall, remember
from tests.support.strategies import zones

SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2026, 11, 23, 18, 0, 7, tzinfo=SEOUL)
AT = ("08:00", "18:00")

steps = st.lists(
    st.tuples(
        st.timedeltas(timedelta(minutes=-30), timedelta(days=3)),  # the clock may be set back
        st.booleans(),  # whether the report is committed
    ),
    min_size=1,
)


@given(zones, st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1)), steps)  # noqa: DTZ001  # made aware by the zone
def test_committed_windows_follow_each_other_without_gap_or_overlap(
    zone: ZoneInfo, start: datetime, steps: list[tuple[timedelta, bool]]
) -> None:
    state: dict[str, str] = {}
    end: float | None = None
    now = start.replace(tzinfo=ZoneInfo("UTC"))
    for step, committed in steps:
        now += step
        window = next_window(state, now.astimezone(zone), AT, None)
        if window is None:
            continue
        assert window.since.timestamp() < window.until.timestamp() <= now.timestamp()
        # After an end that is far ahead, the clock was wrong then, and the windows begin again.
        if end is not None and end - window.until.timestamp() <= MAX_AHEAD.total_seconds():
            assert window.since.timestamp() == end
        if committed:
            state, end = remember(window), window.until.timestamp()


@pytest.mark.parametrize(
    ("hour", "minute", "since"),
    [
        (18, 0, "23 08:00"),
        (18, 9, "23 08:00"),  # caught up on
        (8, 0, "22 18:00"),
        (7, 0, "22 08:00"),
    ],
)
def test_the_first_report_begins_at_the_time_before(hour: int, minute: int, since: str) -> None:
    window = next_window({}, NOW.replace(hour=hour, minute=minute), AT, None)

    assert window is not None
    assert f"{window.since:%d %H:%M}" == since
    assert (window.until.hour, window.until.minute, window.until.second) == (hour, minute, 0)


@pytest.mark.parametrize(
    ("at", "length", "since"),
    [((), None, "22 18:00"), (("18:00",), None, "22 18:00"), (AT, timedelta(hours=3), "23 15:00")],
)
def test_the_first_report_without_times_or_with_a_length(
    at: tuple[str, ...], length: timedelta | None, since: str
) -> None:
    window = next_window({}, NOW, at, length)

    assert window is not None
    assert f"{window.since:%d %H:%M}" == since


def test_a_second_report_in_the_same_minute_has_no_window() -> None:
    window = next_window({}, NOW, AT, None)
    assert window is not None

    assert next_window(remember(window), NOW.replace(second=59), AT, None) is None


def test_a_clock_that_was_far_ahead_does_not_silence_the_reports() -> None:
    ahead = remember(Window(NOW, NOW + timedelta(days=900)))

    assert recall(ahead, NOW) is None
    assert next_window(ahead, NOW, AT, None) == next_window({}, NOW, AT, None)
    assert next_window(remember(Window(NOW, NOW + timedelta(hours=1))), NOW, AT, None) is None


@given(
    st.dictionaries(
        st.sampled_from(["until", "x"]),
        st.one_of(st.none(), st.integers(), st.text(), st.lists(st.text())),
    )
)
def test_a_malformed_state_is_ignored(state: dict[str, object]) -> None:
    recalled = recall(state, NOW)

    assert recalled is None or recalled.tzinfo is not None


def test_a_database_is_given_the_times_of_one_offset() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    # The clocks go back on 25 October 2026 at 03:00.
    window = Window(
        datetime(2026, 10, 24, 18, tzinfo=berlin), datetime(2026, 10, 25, 8, tzinfo=berlin)
    )

    assert window.values(window.until) == {
        "since": datetime(2026, 10, 24, 17),  # noqa: DTZ001  # as the database takes it
        "until": datetime(2026, 10, 25, 8),  # noqa: DTZ001  # as the database takes it
    }
    assert window.day_before.since == datetime(2026, 10, 23, 18, tzinfo=berlin)
