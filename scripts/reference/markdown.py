"""Tables in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table. A `|` in a cell does not end the cell."""
    yield _row(head)
    yield "|" + "---|" * len(head)
    for row in rows:
        yield _row([cell.replace("|", r"\|") for cell in row])


def code(text: str) -> str:
    """Return a text as code."""
    return f"`{text}`" if text else ""


def plain(text: str) -> str:
    """Return a text in which Markdown sees code, and nothing else."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"[*<\\]", r"\\\g<0>", part) for part in parts[::2]]
    return "`".join(parts)


def anchor(title: str) -> str:
    """Return the anchor of a heading, as GitHub and MyST make it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _row(cells: Sequence[str]) -> str:
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"
