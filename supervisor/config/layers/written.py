"""Writes the effective file as TOML, each value with the place that said it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

import tomli_w
from attrs import frozen

from supervisor.config.layers.tree import Items, Leaf, Node, Origin, Table
from supervisor.config.problems import KeyPath

MAX_WIDTH = 100
"""Characters of a table that is written in one line, at most."""

LineOf: TypeAlias = Callable[[Origin], int]
"""Returns the line of a place."""

_INDENT = "    "
"""What stands before an item of a list."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
"""A key that needs no quotes."""


@frozen
class Line:
    """One line of the file."""

    text: str
    """TOML."""

    origin: Origin | None = None
    """Where its value was said. None: it is a header, a bracket or an empty line."""


def lines(document: Table, line_of: LineOf) -> Iterator[Line]:
    """Yield the lines of a document."""
    yield from _Writer(line_of).table(document, ())


@frozen
class _Writer:
    """Lays a document out: a value that was said in one line has one line."""

    line_of: LineOf

    def table(self, table: Table, path: KeyPath) -> Iterator[Line]:
        """Yield the values of a table, then the tables in it."""
        later = {key: node for key, node in table.keys.items() if self._has_header(node, path)}
        for key, node in table.keys.items():
            if key not in later:
                yield from self._pair(key, node)
        for key, node in later.items():
            inner = (*path, key)
            if isinstance(node, Table):
                yield from self._below(f"[{_header(inner)}]", node, inner)
            elif isinstance(node, Items):
                for each in node.nodes:
                    assert isinstance(each, Table)  # noqa: S101 - others have no header
                    yield from self._below(f"[[{_header(inner)}]]", each, inner)

    def _below(self, header: str, table: Table, path: KeyPath) -> Iterator[Line]:
        if len(path) == 1:
            yield Line("")
        is_outer = table.keys and all(self._has_header(each, path) for each in table.keys.values())
        if header.startswith("[[") or not is_outer:
            yield Line(header)
        yield from self.table(table, path)

    def _has_header(self, node: Node, path: KeyPath) -> bool:
        if isinstance(node, Table):
            return path in ((), ("modules",)) or not self._fits(node)
        if isinstance(node, Items) and node.nodes:
            tables = [each for each in node.nodes if isinstance(each, Table)]
            rows = path and all(map(self._fits, tables))
            return len(tables) == len(node.nodes) and not rows
        return False

    def _pair(self, key: str, node: Node) -> Iterator[Line]:
        if isinstance(node, Items) and not self._fits(node):
            yield Line(f"{key_text(key)} = [")
            for each in node.nodes:
                yield Line(f"{_INDENT}{value_text(each)},", _first(each).origin)
            yield Line("]")
        else:
            yield Line(f"{key_text(key)} = {value_text(node)}", _first(node).origin)

    def _fits(self, node: Node) -> bool:
        """Return whether a value has one place, and room in one line."""
        places = {self._place(leaf.origin) for leaf in _leaves(node)}
        return len(places) <= 1 and len(value_text(node)) <= MAX_WIDTH

    def _place(self, origin: Origin) -> tuple[object, ...]:
        given = self._place(origin.given) if origin.given else ()
        return origin.source.path, self.line_of(origin), given


def key_text(name: str) -> str:
    """Return a key as TOML writes it."""
    if _BARE_KEY.fullmatch(name):
        return name
    return tomli_w.dumps({name: 0}).removesuffix(" = 0\n")


def value_text(node: Node) -> str:
    """Return a value in one line."""
    match node:
        case Leaf():
            return tomli_w.dumps({"x": node.value}).removeprefix("x = ").rstrip("\n")
        case Items():
            return f"[{', '.join(map(value_text, node.nodes))}]"
    pairs = ", ".join(f"{key_text(key)} = {value_text(each)}" for key, each in node.keys.items())
    return f"{{ {pairs} }}" if pairs else "{}"


def _header(path: KeyPath) -> str:
    return ".".join(key_text(str(step)) for step in path)


def _leaves(node: Node) -> Iterator[Node]:
    """Yield the values without parts. An empty table or list is one, too."""
    inner: tuple[Node, ...] = ()
    if isinstance(node, Items):
        inner = node.nodes
    elif isinstance(node, Table):
        inner = tuple(node.keys.values())
    for each in inner:
        yield from _leaves(each)
    if not inner:
        yield node


def _first(node: Node) -> Node:
    return next(_leaves(node))
