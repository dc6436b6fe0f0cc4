"""Finds the comments of a YAML document, which libyaml skips."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from attrs import frozen
from yaml import ScalarEvent

from supervisor.convert.legacy_yaml import events

_COMMENT = re.compile(r"#[^\r\n]*")
"""A comment, up to the end of its line."""

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
"""What ends a line."""

_PROPERTIES = re.compile(r"(?:[&!]\S*|\s|#[^\r\n]*)*")
"""What may stand before a scalar and belongs to its event: an anchor, a tag, comments."""


@frozen
class Comment:
    """A comment with its `#`."""

    line: int
    """Counted from 1."""

    column: int
    """Counted from 0."""

    text: str
    """From the `#` to the last character that is not a space."""

    follows: bool
    """Whether something else stands before it on its line."""


def find(text: str, scalars: Iterable[ScalarEvent]) -> Iterator[Comment]:
    """Yield the comments of a text; each `#` outside of the scalars begins one."""
    line_starts = [0, *(found.end() for found in _LINE_BREAK.finditer(text))]
    for start, end in _gaps(text, scalars):
        for found in _COMMENT.finditer(text, start, end):
            line = bisect_right(line_starts, found.start())
            before = text[line_starts[line - 1] : found.start()]
            yield Comment(line, len(before), found[0].rstrip(), bool(before.strip()))


def _gaps(text: str, scalars: Iterable[ScalarEvent]) -> Iterator[tuple[int, int]]:
    """Yield where the text is outside of its scalars, as positions."""
    position = 0
    for scalar in scalars:
        start, end = events.start(scalar).index, events.end(scalar).index
        if properties := _PROPERTIES.match(text, start, end):
            start = properties.end()
        if scalar.style in ("|", ">"):
            # A comment may follow the indicator; the text begins on the next line.
            line_break = _LINE_BREAK.search(text, start)
            start = line_break.start() if line_break else len(text)
        yield position, start
        position = end
    yield position, len(text)
