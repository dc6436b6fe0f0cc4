"""Text that several folders write: counts, durations, times, names, columns. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Literal

_BINARY_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
"""Units of bytes, each 1,024 times the one before."""

_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
"""The units of a duration: how many seconds each has, and how it is written."""

_DURATION = re.compile("".join(f"(?:([0-9]{{1,9}}){unit})?" for _, unit in _UNITS))

MASK = "•••"
"""Stands for a secret."""

_SECRET = re.compile(
    r"""((?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_]?key|authorization)["']?\s*[=:]\s*["']?"""
    r"""(?:(?:basic|bearer)\s+)?)[^\s"'&;,}]+""",
    re.IGNORECASE,
)
"""A secret within a text: `--password=x`, `PGPASSWORD=x`, `"token": "x"`."""

_USER_INFO = re.compile(r"(://)[^/@\s]+@")
"""User and password in an address."""

MAX_LABEL_BYTES = 1024
"""Bytes of UTF-8 of a label's value, at most."""

MAX_MESSAGE_BYTES = 4 * 1024
"""Bytes of UTF-8 of an annotation, at most; `detail` alone may be longer."""

_CUT_MARK = "… (cut)"
"""The end of text that was too long."""

_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})
"""How HTML writes the characters that have a meaning in it, as `html.escape` does.

`html` needs half a megabyte, and it cannot be imported when the process has no descriptor left.
"""

_LINE_BREAKS = re.compile(r"[\t\r\n]+")

_UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # they turn the direction of writing
    r"\u2028\u2029"  # line and paragraph separator: a new line to some programs
    r"\ud800-\udfff]"  # lone surrogates, which UTF-8 cannot hold
)
"""Characters that may leave in no text: in the log, JSON, a page, a mail or an alert.

They could move the cursor, start a line, or show text in another order than it has.
"""


def clean(text: str) -> str:
    """Return text with U+FFFD in place of each character that may not leave."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


def clean_text(text: str, limit: int) -> str:
    """Return text that any peer stores as it is: clean, and at most `limit` bytes of UTF-8."""
    if _is_plain(text, limit):
        return text
    text = clean(text.replace("\r\n", "\n"))
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    return encoded[: limit - len(_CUT_MARK.encode())].decode(errors="ignore") + _CUT_MARK


def clean_label(text: str) -> str:
    """Return a label's value: one line of clean text."""
    if _is_plain(text, MAX_LABEL_BYTES):
        return text
    return clean_text(_LINE_BREAKS.sub(" ", text), MAX_LABEL_BYTES)


def _is_plain(text: str, limit: int) -> bool:
    """Return whether text is one line of ASCII and short enough, as nearly all of it is."""
    return type(text) is str and len(text) <= limit and text.isascii() and text.isprintable()


def without_secrets(text: str) -> str:
    """Return a text in which what looks like a secret is masked."""
    return _USER_INFO.sub(rf"\1{MASK}@", _SECRET.sub(rf"\1{MASK}", text))


def counted(number: int, noun: str, *, separator: Literal["", ","] = "") -> str:
    """Return `1 module`, `2 modules`; with a separator of thousands `2,000 modules`."""
    return f"{number:{separator}} {noun}{'' if number == 1 else 's'}"


def not_looked(awaited: int, enabled: int) -> str:
    """Return why it is not known whether all is well, or "" if it is known.

    `awaited` of the `enabled` modules have not run.
    """
    if not enabled:
        return "no module is enabled"
    have = "has" if awaited == 1 else "have"
    return f"{awaited} of {counted(enabled, 'module')} {have} not run" if awaited else ""


def shortened(text: str, most: int = 60) -> str:
    """Return text that fits into a message: escaped, and at most `most` characters long.

    Text that is cut ends with "…".
    """
    escaped = printable(text[: most + 1])
    return escaped if len(escaped) <= most else f"{escaped[: most - 1]}…"


def printable(text: str) -> str:
    """Return text in one line: characters that cannot be shown are escaped, as in `\\n`."""
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )


def duration(seconds: float) -> str:
    """Return seconds as a duration is written: "1h30m", "0.5s"."""
    if seconds != int(seconds) or seconds <= 0:
        return f"{seconds:g}s"
    text, rest = "", int(seconds)
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text


def written_size(number: float) -> str:
    """Return bytes as a size is written: "5GiB", "1536MiB", "10"."""
    whole, place = int(number), 0
    while whole and whole % 1024 == 0 and _BINARY_UNITS[place] != "TiB":  # the largest in a file
        whole, place = whole // 1024, place + 1
    return f"{whole}{_BINARY_UNITS[place]}" if place else str(whole)


def parse_duration(value: object) -> float:
    """Return the seconds of "90s", "5m", "1h30m", "2d" or a number; else raise `ValueError`."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    match = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        raise ValueError(f"{shortened(repr(value))} is not a duration; write for example '5m'")
    counts = (int(count or 0) for count in match.groups())
    return float(sum(count * size for count, (size, _) in zip(counts, _UNITS, strict=True)))


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word with the nearest spelling, or "" when none is near."""
    import difflib  # only errors need it

    folded = {each.lower().replace("-", "_"): each for each in known}
    close = difflib.get_close_matches(word.lower().replace("-", "_")[:100], folded, n=1)
    return folded[close[0]] if close else ""


def advice(word: str, known: Iterable[str], otherwise: str = "write one of") -> str:
    """Return what to write for a word with a wrong spelling: the nearest known word, else all."""
    known = sorted(known)
    if close := nearest(word, known):
        return f"did you mean '{close}'?"
    return f"{otherwise} {', '.join(known)}" if known else "remove it"


def seconds(value: float) -> str:
    """Return a rounded duration for people: `4 s`, `12 min`, `3 h 5 min`."""
    whole = max(0, round(value))
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def data_size(value: float) -> str:
    """Return bytes for people: `512 B`, `70 GiB`, `1.5 TiB`."""
    size, place = float(value), 0
    while abs(size) >= 1023.5 and place < len(_BINARY_UNITS) - 1:
        size, place = size / 1024, place + 1
    digits = 0 if place == 0 or abs(size) >= 9.95 else 1
    return f"{size:,.{digits}f} {_BINARY_UNITS[place]}"


@lru_cache(1024)  # the alerts of one batch share most of their times
def rfc3339(moment: float, timezone: tzinfo = UTC) -> str:
    """Return Unix seconds as RFC 3339 with milliseconds: `Z` for UTC, else the zone's offset."""
    text = datetime.fromtimestamp(round(moment, 3), timezone).isoformat(timespec="milliseconds")
    return f"{text[:-6]}Z" if timezone is UTC else text


def preformatted(text: str) -> str:
    """Return HTML that shows plain text as it is."""
    return f"<pre>{text.translate(_HTML)}</pre>"


def columns(
    rows: Iterable[Sequence[str]],
    *,
    right: Collection[int] = (),
    width: Callable[[str], int] = len,
) -> list[str]:
    """Return rows as aligned lines; all rows have the same number of cells.

    The columns with the numbers in `right` are aligned to the right. `width` returns how many
    cells of the terminal a text takes.
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
