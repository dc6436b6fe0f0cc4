"""Where each key of a TOML document stands: the lines that tomllib does not tell.

The text is valid TOML. It is read once more, but only for its keys.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

from attrs import define, field

from supervisor.config.problems import KeyPath

MAX_DEPTH = 50
"""Parts of a dotted key at most whose own lines are kept."""

_TOKEN = re.compile(
    r"""
    (?P<skip>[ \t\r]+ | \#[^\n]*)
    | (?P<text>
        "{3} (?:[^\\]|\\.)*? "{3} "{0,2}
        | '{3} .*? '{3} '{0,2}
        | "(?:[^"\\\n]|\\.)*"
        | '[^'\n]*'
    )
    | (?P<mark>[\n\[\]{}=,.])
    | (?P<bare>[^\s\[\]{}=,."'#]+)
    """,
    re.VERBOSE | re.DOTALL,
)
"""One piece of a document: a space or comment, a text in quotes, a mark, or a bare word."""

_ENDS_OF_A_VALUE = ("\n", ",", "]", "}")
"""The marks before which a plain value ends."""


@define
class Positions:
    """The line of each key and of each item of a list."""

    lines: Mapping[KeyPath, int]

    def line(self, path: KeyPath) -> int:
        """Return the line of a key. A key that is missing stands where its table begins."""
        for length in range(len(path), 0, -1):
            if found := self.lines.get(path[:length]):
                return found
        return 1


def positions(text: str) -> Positions:
    """Return the lines of a valid document. Nothing is known of one that is nested too deeply."""
    reader = _Reader(_tokens(text))
    try:
        reader.read_document()
    except (RecursionError, IndexError):
        return Positions({})
    return Positions(reader.lines)


def _tokens(text: str) -> list[tuple[str, int]]:
    tokens, line = [], 1
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "skip":
            tokens.append((match[0], line))
        line += match[0].count("\n")
    return [*tokens, ("\n", line)]


@define
class _Reader:
    """Goes through the pieces of a document, and writes down the line of each key."""

    tokens: list[tuple[str, int]]
    at: int = 0
    lines: dict[KeyPath, int] = field(factory=dict)
    sizes: dict[KeyPath, int] = field(factory=dict)
    """How many `[[…]]` of each name there were."""

    def read_document(self) -> None:
        table: KeyPath = ()
        while self.at < len(self.tokens):
            if self.next == "\n":
                self.at += 1
            elif self.next == "[":
                table = self._header()
            else:
                self._pair(table)

    @property
    def next(self) -> str:
        return self.tokens[self.at][0]

    def _header(self) -> KeyPath:
        line = self.tokens[self.at][1]
        is_item = self.tokens[self.at + 1][0] == "["
        self.at += 2 if is_item else 1
        parts = self._key()
        self.at += 2 if is_item else 1
        path = self._within((), parts[:-1])
        path = (*path, parts[-1])
        if is_item:
            self.lines.setdefault(path, line)
            self.sizes[path] = self.sizes.get(path, 0) + 1
            path = (*path, self.sizes[path] - 1)
        self._keep(path, 0, line)
        return path

    def _within(self, path: KeyPath, parts: KeyPath) -> KeyPath:
        """Return the path of a table. In a list of tables, its last item is meant."""
        for part in parts:
            path = (*path, part)
            if path in self.sizes:
                path = (*path, self.sizes[path] - 1)
        return path

    def _key(self) -> KeyPath:
        parts = []
        while True:
            parts.append(_name(self.next))
            self.at += 1
            if self.next != ".":
                return tuple(parts)
            self.at += 1

    def _pair(self, table: KeyPath) -> None:
        line = self.tokens[self.at][1]
        path = (*table, *self._key())
        self._keep(path, len(table), line)
        self.at += 1  # the "="
        self._value(path)

    def _keep(self, path: KeyPath, known: int, line: int) -> None:
        for length in range(known + 1, min(len(path), known + MAX_DEPTH)):
            self.lines.setdefault(path[:length], line)
        self.lines[path] = line

    def _value(self, path: KeyPath) -> None:
        if self.next == "[":
            self._list(path)
        elif self.next == "{":
            self._table(path)
        else:
            while self.next not in _ENDS_OF_A_VALUE:
                self.at += 1

    def _list(self, path: KeyPath) -> None:
        self.at += 1
        index = 0
        while self.next != "]":
            if self.next in ("\n", ","):
                index += self.next == ","
                self.at += 1
            else:
                item = (*path, index)
                self.lines[item] = self.tokens[self.at][1]
                self._value(item)
        self.at += 1

    def _table(self, path: KeyPath) -> None:
        self.at += 1
        while self.next != "}":
            if self.next in ("\n", ","):
                self.at += 1
            else:
                self._pair(path)
        self.at += 1


def _name(token: str) -> str:
    """Return the name that a part of a key stands for."""
    return str(tomllib.loads(f"_ = {token}")["_"]) if token[0] in "\"'" else token
