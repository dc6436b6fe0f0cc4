"""The comments of converted files, each with the line that it belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from attrs import define, field, frozen

from supervisor.config.layers.written import Line

WIDTH = 100
"""The characters of a line with a comment behind its value."""

_PIECE = re.compile(
    r"""'{3} .*? '{3} | "(?:[^"\\\n]|\\.)*" | '[^'\n]*' | (?P<comment>\#[^\n]*)""",
    re.VERBOSE | re.DOTALL,
)
"""A text in quotes, as the converter writes it, or a comment."""


@frozen
class Comment:
    """A comment of a converted file."""

    line: int
    """The line that it belongs to."""

    text: str
    """The comment with its mark."""

    is_behind: bool
    """Whether it stands behind a value. Otherwise it has a line of its own."""


def comments_of(text: str) -> Sequence[Comment]:
    """Return the comments of a file but its heading."""
    lines = text.split("\n")
    found = []
    for match in _PIECE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if match["comment"] and line > 1:
            is_behind = not lines[line - 1].startswith(match["comment"], _indent(lines[line - 1]))
            place = line if is_behind else _next(lines, line)
            found.append(Comment(place, match["comment"], is_behind))
    return found


def _next(lines: Sequence[str], number: int) -> int:
    """Return the number of the next line that says something. Lines count from 1."""
    for later in range(number, len(lines)):
        if lines[later].strip() and not lines[later].lstrip().startswith("#"):
            return later + 1
    return len(lines)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


@define
class Commented:
    """Puts comments of one converted file to the lines of another file."""

    comments: Sequence[Comment]
    """The comments that may be written."""

    used: list[str] = field(factory=list)
    """Those that are."""

    _last: int = 0
    """The line of the converted file whose value was written last."""

    def lines(self, written: Sequence[Line], line_of: Mapping[int, int]) -> Iterator[str]:
        """Yield the text of lines with their comments.

        `line_of` gives the line of the converted file by the number of a line with a value. It is 0
        for what the converted file does not have.
        """
        headers: list[str] = []
        for number, line in enumerate(written):
            if number not in line_of:
                headers.append(line.text)
                if line.text == "]":
                    yield from headers
                    headers.clear()
                continue
            place = line_of[number]
            blank = [each for each in headers if not each]
            yield from blank
            yield from self._before(range(self._last + 1, place))
            yield from (each for each in headers if each)
            headers.clear()
            indent = line.text[: _indent(line.text)]
            yield from (f"{indent}{each}" for each in self._before(range(place, place + 1)))
            yield self._with_behind(line.text, place)
            self._last = place
        yield from headers

    def _before(self, lines: range) -> Iterator[str]:
        for each in self.comments:
            if each.line in lines and not each.is_behind:
                self.used.append(each.text)
                yield each.text

    def _with_behind(self, text: str, line: int) -> str:
        for each in self.comments:
            if each.line == line and each.is_behind and len(f"{text}  {each.text}") <= WIDTH:
                self.used.append(each.text)
                return f"{text}  {each.text}"
        return text
