"""Counts in words."""

from __future__ import annotations

from checks._common.plurals import counted


def test_one_is_singular_and_all_else_plural() -> None:
    assert [counted(number, "file") for number in (0, 1, 2, 1234)] == [
        "0 files",
        "1 file",
        "2 files",
        "1,234 files",
    ]
