"""Lays the tables of a service file out as lines, each comment next to what it comments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from attrs import define, field

from supervisor.convert.legacy_yaml.comments import Comment
from supervisor.convert.legacy_yaml.nodes import Span
from supervisor.convert.service_file.toml import Entry, Item, Table, key_text, value_text

WIDTH = 100
"""The characters of a line."""

ROW_WIDTH = 120
"""The characters of a row of a list: rows below each other are easier to read than tables."""

_INDENT = "    "
"""What stands before the rows of a list."""

_KEY = re.compile(r"[\s-]*([A-Za-z][A-Za-z0-9_]*)\s*:")
"""The key at the beginning of a legacy line."""


@define
class Line:
    """One line of the result, or a few that belong together."""

    text: str
    """The line without its indentation."""

    span: Span | None = None
    """The legacy lines that it came from."""

    before: list[str] = field(factory=list)
    """Comments on lines of their own before it."""

    behind: list[str] = field(factory=list)
    """Comments on the same line, if there is room."""

    after: list[str] = field(factory=list)
    """Comments on lines of their own after it."""

    indent: str = ""
    """The indentation of the line and of its comments."""

    def rendered(self) -> Iterator[str]:
        """Yield the line with its comments."""
        yield from (f"{self.indent}{comment}" for comment in self.before)
        text = f"{self.indent}{self.text}"
        together = f"{text}  {self.behind[0]}" if len(self.behind) == 1 else text
        if self.behind and together != text and len(together) <= WIDTH and "\n" not in self.text:
            yield together
        else:
            yield from (f"{self.indent}{comment}" for comment in self.behind)
            yield text
        yield from (f"{self.indent}{comment}" for comment in self.after)


@define
class Sheet:
    """The lines of a service file while it is laid out."""

    source: Sequence[str]
    """The lines of the legacy file."""

    commented: frozenset[int]
    """The numbers of the legacy lines with a comment."""

    lines: list[Line] = field(factory=list)
    """The lines of the service file so far."""

    def add(self, text: str, span: Span | None, indent: str = "") -> None:
        """Add a line."""
        self.lines.append(Line(text, span, indent=indent))

    def add_table(self, table: Table) -> None:
        """Add a header with its keys; tables that are too wide for a line follow it."""
        if table.path:
            if "." not in table.path:
                self.add("", None)
            header = f"[[{table.path}]]" if table.array else f"[{table.path}]"
            self.add(header, table.span)
        below: list[tuple[Entry, bool]] = []
        is_params = table.path == "modules.params"
        for entry in table.entries:
            if is_params and _is_wide(entry.item):
                below.append((entry, False))
            elif is_params and _has_wide_rows(entry.item):
                below.append((entry, True))
            else:
                self.add_entry(entry)
        for entry, array in below:
            items = entry.item.value if array else (entry.item,)
            for item in items if isinstance(items, tuple) else ():
                self._below(table, entry, item, array)

    def _below(self, table: Table, entry: Entry, item: object, array: bool) -> None:
        if not isinstance(item, Item) or not isinstance(item.value, tuple):
            return
        if item.disabled:
            self.add(f"# {value_text(item)}", item.span)
            return
        first = None if item.span is None else Span(item.span.first, item.span.first)
        inner = Table(f"{table.path}.{key_text(entry.key)}", first, array)
        inner.entries = [each for each in item.value if isinstance(each, Entry)]
        self.add_table(inner)

    def add_entry(self, entry: Entry) -> None:
        """Add a key with its value; a list that is long or has comments inside takes lines."""
        item, name = entry.item, key_text(entry.key)
        text = f"{name} = {value_text(item)}"
        items = item.value if isinstance(item.value, tuple) and not item.is_table else ()
        inner = [each for each in items if isinstance(each, Item)]
        spread = any(each.disabled for each in inner) or len(text) > WIDTH
        spread |= sum(each.is_table for each in inner) > 1 or self._has_comments(item)
        if not inner or not spread:
            self.add(text, item.span)
            return
        first = None if item.span is None else Span(item.span.first, item.span.first)
        self.add(f"{name} = [", first)
        for each in inner:
            mark = "# " if each.disabled else ""
            self.add(f"{mark}{value_text(each)},", each.span, _INDENT)
        self.add("]", None)

    def _has_comments(self, item: Item) -> bool:
        if item.span is None or item.span.last == item.span.first:
            return False
        return any(line in self.commented for line in range(item.span.first, item.span.last + 1))

    def place(self, comment: Comment, text: str) -> None:
        """Put a comment behind, before or after the line that it belongs to."""
        around = [each for each in self._placed() if _covers(each, comment.line)]
        innermost = min(around, key=_length, default=None)
        if comment.follows and innermost is not None:
            shortest = [each for each in around if _length(each) == _length(innermost)]
            shortest[-1].behind.append(text)
            return
        if comment.follows and (found := _KEY.match(self.source[comment.line - 1])):
            text = f"# {found[1]}: {text.removeprefix('#').strip()}"
        later = [each for each in self._placed() if _first(each) > comment.line]
        following = min(later, key=_first, default=None)
        if innermost is not None and (following is None or not _inside(following, innermost)):
            innermost.before.append(text)
            return
        earlier = [each for each in self._placed() if _last(each) < comment.line]
        previous = max(earlier, key=_last, default=None)
        if previous is not None:
            previous = [each for each in earlier if _last(each) == _last(previous)][-1]
        if following is not None and not (
            previous is not None and comment.column > self._indentation(following)
        ):
            following.before.append(text)
        elif previous is not None and comment.column >= self._indentation(previous):
            previous.after.append(text)
        else:
            self.lines[-1].after.append(text)

    def _indentation(self, line: Line) -> int:
        text = self.source[_first(line) - 1]
        return len(text) - len(text.lstrip())

    def _placed(self) -> Iterator[Line]:
        return (each for each in self.lines if each.span is not None)


def lay_out(
    heading: str,
    tables: Sequence[Table],
    comments: Sequence[tuple[Comment, str]],
    source: str,
    start: int,
) -> str:
    """Return the file's text; `comments` are those of the source with what is shown of them.

    `start` is the line on which the source's first key is: comments before it come first.
    """
    sheet = Sheet([*source.split("\n"), ""], frozenset(comment.line for comment, _ in comments))
    for table in tables:
        sheet.add_table(table)
    top = [text for comment, text in comments if comment.line < start]
    for comment, text in comments[len(top) :]:
        sheet.place(comment, text)
    lines = [f"# {heading}", *top, *(text for line in sheet.lines for text in line.rendered())]
    return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"


def _is_wide(item: Item) -> bool:
    return item.is_table and len(value_text(item)) > WIDTH - 20


def _has_wide_rows(item: Item) -> bool:
    items = item.value if isinstance(item.value, tuple) and not item.is_table else ()
    rows = [each for each in items if isinstance(each, Item)]
    return (
        bool(rows)
        and all(row.is_table for row in rows)
        and any(len(value_text(row)) > ROW_WIDTH for row in rows if not row.disabled)
    )


def _covers(line: Line, number: int) -> bool:
    return line.span is not None and line.span.first <= number <= line.span.last


def _inside(line: Line, other: Line) -> bool:
    return _first(line) <= _last(other)


def _length(line: Line) -> int:
    return _last(line) - _first(line)


def _first(line: Line) -> int:
    return line.span.first if line.span else 0


def _last(line: Line) -> int:
    return line.span.last if line.span else 0
