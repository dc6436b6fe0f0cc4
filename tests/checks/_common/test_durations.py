"""Durations in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._common.durations import DAY, STEPS, long_span, span, stepped

SECONDS = st.floats(0, 1e12)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.5, "0.5 s"),
        (90, "1 min 30 s"),
        (600.0, "10 min"),
        (5400, "1 h 30 min"),
        (59.9999, "1 min"),
        (3 * 86400 + 61, "3 d 1 min 1 s"),
        (400 * 86400, "400 d"),
    ],
)
def test_a_duration_is_written_in_all_its_units(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(59, "0 s"), (3 * 3600 + 759, "3 h 12 min"), (12 * 86400 + 3 * 3600 + 759, "12 d 3 h")],
)
def test_a_long_duration_is_written_without_its_smallest_units(seconds: float, text: str) -> None:
    assert long_span(seconds) == text


@pytest.mark.parametrize(
    ("age", "told"), [(0, 0), (0.9, 0), (9, 5), (3599, 2700), (86399, 43200), (200_000, 2 * DAY)]
)
def test_an_age_is_told_in_steps(age: float, told: float) -> None:
    assert stepped(age) == told


@given(SECONDS, SECONDS)
def test_a_step_is_never_more_than_the_age_and_never_goes_back(one: float, other: float) -> None:
    younger, older = sorted((one, other))

    assert stepped(younger) <= younger
    assert stepped(younger) <= stepped(older)
    assert stepped(younger) in (0, *STEPS) or stepped(younger) % DAY == 0


@given(SECONDS)
def test_any_duration_is_written(seconds: float) -> None:
    assert span(seconds)[0].isdigit()
    assert long_span(seconds)[0].isdigit()
