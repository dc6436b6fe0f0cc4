"""Texts: columns stand below each other, spans are rounded, times are RFC 3339, all is clean."""

from __future__ import annotations

import html
import re
import sys
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.text import clean, clean_label, clean_text, columns, preformatted, rfc3339, seconds
from tests.support.strategies import any_text

ALL = [chr(code) for code in range(0x110000)]

UNSAFE = {
    character
    for character in ALL
    if (unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") and character not in "\t\n")
    or unicodedata.bidirectional(character)
    in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    or character in "\u061c\u200e\u200f"  # marks of direction without a class of their own
}
"""What may not leave in any text, by Unicode's own tables."""


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


def test_exactly_the_unsafe_characters_are_replaced() -> None:
    outdated = {chr(code) for code in range(0x206A, 0x2070)}  # marks that Unicode advises against

    assert UNSAFE | outdated == {each for each in ALL if clean(each) != each}
    assert {"\N{REPLACEMENT CHARACTER}"} == {clean(each) for each in UNSAFE}


@given(any_text, st.integers(20, 100))
def test_clean_text_is_what_any_peer_stores_as_it_is(text: str, limit: int) -> None:
    found = clean_text(text, limit)

    assert len(found.encode()) <= limit
    assert not UNSAFE & set(found)
    assert clean_text(found, limit) == found


@given(any_text)
def test_a_label_is_one_line(text: str) -> None:
    found = clean_label(text)

    assert "\n" not in found
    assert "\t" not in found


def test_long_text_is_cut_with_a_mark_and_never_inside_a_letter() -> None:
    assert clean_text("x" * 100, 20) == "x" * 11 + "… (cut)"
    assert clean_text("한" * 100, 20) == "한" * 3 + "… (cut)"
    assert clean_text("short", 20) == "short"


def test_plain_text_becomes_html_without_another_import(monkeypatch: pytest.MonkeyPatch) -> None:
    text = """<a href="x">R&D's</a> & more"""
    expected = f"<pre>{html.escape(text)}</pre>"
    monkeypatch.setitem(sys.modules, "html", None)  # an import of it fails

    assert preformatted(text) == expected
