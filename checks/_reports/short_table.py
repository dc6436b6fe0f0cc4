"""A table that is cut to its first rows, so that a page stays small."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from attrs import frozen

T = TypeVar("T")
R = TypeVar("R")


@frozen
class ShortTable:
    """The first rows of a table."""

    rows: tuple[object, ...]

    others: int = 0
    """How many rows were left out."""

    heading: str = ""

    note: str = ""
    """What stands beside the heading."""


def short_table(
    items: Sequence[T], most: int, row: Callable[[T], R], heading: str = "", note: str = ""
) -> ShortTable:
    """Return the rows of the first items, at most `most`."""
    return ShortTable(tuple(map(row, items[:most])), max(len(items) - most, 0), heading, note)
