"""Dates and ordinals as the reports write them."""

from __future__ import annotations

from datetime import datetime

import pytest

from checks._reports.wording import moment, ordinal
from tests.support.daily_report import NOW


@pytest.mark.parametrize(
    ("number", "expected"), [(1, "1st"), (2, "2nd"), (11, "11th"), (23, "23rd"), (112, "112th")]
)
def test_ordinals(number: int, expected: str) -> None:
    assert ordinal(number) == expected


def test_a_day_of_another_year_is_named_with_it() -> None:
    assert moment(datetime(2025, 12, 31, 5, tzinfo=NOW.tzinfo), NOW) == ("31 December 2025, 05:00")
