"""Words for people: columns stand below each other, and spans are rounded."""

from __future__ import annotations

import pytest

from supervisor.text import columns, seconds


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
