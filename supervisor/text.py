"""Words for people: counts, durations, names, columns."""

from __future__ import annotations

import html
from collections.abc import Callable, Collection, Iterable, Sequence

_UNITS = ((86400, "d"), (3600, "h"), (60, "m"))


def counted(number: int, noun: str) -> str:
    """Return `1 module`, `2 modules`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shortened(text: str, most: int = 60) -> str:
    """Return text that fits in a message: escaped, and cut with a mark."""
    escaped = printable(text[: most + 1])
    return escaped if len(escaped) <= most else f"{escaped[: most - 1]}…"


def printable(text: str) -> str:
    """Return text in one line: what is no visible character is escaped, as in `\\n`."""
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )


def duration(seconds: float) -> str:
    """Return seconds as a duration is written: "1h30m", "0.5s"."""
    if seconds != int(seconds) or seconds <= 0:
        return f"{seconds:g}s"
    parts, rest = "", int(seconds)
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        parts += f"{count}{unit}" if count else ""
    return f"{parts}{rest}s" if rest else parts


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the nearest spelling among the known words, or nothing if none is near."""
    import difflib  # needed only when something is wrong

    folded = {each.lower().replace("-", "_"): each for each in known}
    close = difflib.get_close_matches(word.lower().replace("-", "_")[:100], folded, n=1)
    return folded[close[0]] if close else ""


def advice(word: str, known: Iterable[str], otherwise: str = "write one of") -> str:
    """Return the remedy for a misspelt word: the nearest spelling, else all that are known."""
    known = sorted(known)
    if close := nearest(word, known):
        return f"did you mean '{close}'?"
    return f"{otherwise} {', '.join(known)}" if known else "remove it"


def seconds(value: float) -> str:
    """Return a span for people: `4 s`, `12 min`, `3 h 5 min`."""
    whole = max(0, round(value))
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def preformatted(text: str) -> str:
    """Return plain text as HTML that shows it as it is."""
    return f"<pre>{html.escape(text)}</pre>"


def columns(
    rows: Iterable[Sequence[str]],
    *,
    right: Collection[int] = (),
    width: Callable[[str], int] = len,
) -> list[str]:
    """Return rows of equally many cells as aligned lines.

    The columns numbered in `right` are aligned to the right. `width` tells how many places of
    the terminal a text takes.
    """
    rows = list(rows)
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for number, (cell, most) in enumerate(zip(row, widths, strict=True)):
            spaces = " " * (most - width(cell))
            cells.append(spaces + cell if number in right else cell + spaces)
        lines.append("  ".join(cells).rstrip())
    return lines
