"""Names of files and processes: what cannot be printed is escaped, and nothing is lost."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._common.printable import shown


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"a b.xml", "a b.xml"),
        ("안녕 <b>.xml".encode(), "안녕 <b>.xml"),
        (b"a\n\t\x1b[31m", r"a\n\t\x1b[31m"),
        (b"\xff\x80a", r"\xff\x80a"),
        ("\u202egpj.exe\u200b".encode(), r"\u202egpj.exe\u200b"),
        ("\U000e0041".encode(), r"\U000e0041"),
        (b"", ""),
    ],
)
def test_what_cannot_be_seen_is_escaped(name: bytes, text: str) -> None:
    assert shown(os.fsdecode(name)) == text


def test_the_middle_of_a_long_name_is_left_out() -> None:
    assert shown("abcdefghij", 10) == "abcdefghij"
    assert shown("abcdefghijk", 10) == "abcde…hijk"
    assert shown("\n" * 200, 7) == r"\n\…n\n"


@given(st.one_of(st.binary().map(os.fsdecode), st.text(st.characters())), st.integers(3, 300))
def test_any_name_is_text_that_can_be_seen(name: str, longest: int) -> None:
    text = shown(name, longest)

    assert text.isprintable()
    assert len(text) <= longest
    assert text.encode().decode() == text
