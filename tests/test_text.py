"""Texts: columns stand below each other, spans are rounded, and times are RFC 3339."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.text import columns, rfc3339, seconds


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert columns([("NAME", "A", "B"), ("x", "long", "y")]) == ["NAME  A     B", "x     long  y"]


def test_a_line_has_no_spaces_at_its_end() -> None:
    assert columns([("a", "wide"), ("b", ""), ("c", "x")]) == ["a  wide", "b", "c  x"]


def test_columns_of_numbers_are_aligned_to_the_right() -> None:
    assert columns([("a", "9", "x"), ("b", "10", "y")], right=(1,)) == ["a   9  x", "b  10  y"]


def test_the_width_of_a_cell_is_what_the_terminal_needs() -> None:
    rows = [("한", "x"), ("ab", "y")]

    assert columns(rows, width=lambda text: 2 if text == "한" else len(text)) == ["한  x", "ab  y"]


def test_rows_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        columns([("a", "b"), ("c",)])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-5.0, "0 s"),
        (0.4, "0 s"),
        (99.4, "99 s"),
        (99.6, "2 min"),
        (720.0, "12 min"),
        (5_940.0, "99 min"),
        (6_000.0, "1 h 40 min"),
        (11_100.0, "3 h 5 min"),
        (90_000.0, "25 h 0 min"),
    ],
)
def test_spans_are_for_people(value: float, text: str) -> None:
    assert text == seconds(value)


@given(st.floats(0, 4e9), st.floats(0, 4e9))
def test_times_are_rfc3339_in_utc_and_keep_their_order(one: float, other: float) -> None:
    first, second = sorted((one, other))

    assert rfc3339(first) <= rfc3339(second)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", rfc3339(one))
    found = datetime.fromisoformat(rfc3339(one)).astimezone(UTC).timestamp()
    assert found == pytest.approx(one, abs=0.002)
