"""Durations and times of day as a service file gives them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.config.times import at_labels, parse_times
from supervisor.text import parse_duration


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
