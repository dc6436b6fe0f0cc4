"""A day as the clocks of one zone show it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from supervisor.errors import UsageError
from supervisor.schedule.local_day import local_day
from tests.support.strategies import days_with_changes


def day(zone: str, text: str) -> tuple[float, str, list[int]]:
    found = local_day(date.fromisoformat(text), ZoneInfo(zone))
    return found.length / 3600, found.oddity(), [hour for _, hour in found.whole_hours()]


ALL = list(range(24))


@pytest.mark.parametrize(
    ("zone", "text", "hours", "oddity", "shown"),
    [
        ("Asia/Seoul", "2026-11-22", 24, "", ALL),
        (
            "Europe/Berlin",
            "2026-03-29",
            23,
            "23 hours: the clocks go forward from 02:00 to 03:00",
            [hour for hour in ALL if hour != 2],
        ),
        (
            "Europe/Berlin",
            "2026-10-25",
            25,
            "25 hours: the clocks go back from 03:00 to 02:00",
            [0, 1, 2, *ALL[2:]],
        ),
        # At 02:00 they show 01:30 again, which is not a whole hour.
        (
            "Australia/Lord_Howe",
            "2026-04-05",
            24.5,
            "24.5 hours: the clocks go back from 02:00 to 01:30",
            ALL,
        ),
        (
            "Africa/Cairo",
            "2026-04-24",
            23,
            "23 hours: the clocks go forward from 00:00 to 01:00",
            ALL[1:],
        ),
        (
            "Africa/Cairo",
            "2026-10-29",
            25,
            "25 hours: the clocks go back from 00:00 to 23:00",
            [*ALL, 23],
        ),
        ("Pacific/Apia", "2011-12-30", 0, "0 hours: the clocks skip this day", []),
        ("Pacific/Apia", "2011-12-31", 24, "", ALL),
    ],
)
def test_a_day_has_the_hours_that_its_clocks_show(
    zone: str, text: str, hours: float, oddity: str, shown: list[int]
) -> None:
    assert day(zone, text) == (hours, oddity, shown)


@given(days_with_changes())
def test_days_follow_each_other_and_their_hours_lie_within(drawn: tuple[ZoneInfo, date]) -> None:
    zone, first = drawn
    found, following = (local_day(first + timedelta(n), zone) for n in (0, 1))

    assert following.start == found.end
    for moment, hour in found.whole_hours():
        assert found.start <= moment < found.end
        assert datetime.fromtimestamp(moment, zone).strftime("%F %T") == f"{first} {hour:02}:00:00"
    change = found.change()
    assert change is None or found.start <= change < found.end
    assert (found.oddity() == "") == (found.length == 86400)


@pytest.mark.parametrize("edge", [date.min, date.max])
def test_a_day_at_the_edge_of_the_calendar_is_refused(edge: date) -> None:
    with pytest.raises(UsageError, match=r"^cannot plan \d{4}-\d\d-\d\d: "):
        local_day(edge, ZoneInfo("Asia/Seoul"))
