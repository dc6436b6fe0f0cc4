"""The values of a TOML document, each with the place where it was said. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from attrs import evolve, frozen

from supervisor.config.files import Source
from supervisor.config.problems import KeyPath

OVERRIDE = "override"
"""The key by which a table may say again what an earlier file has said."""

VAR = "var"
"""The only key of a table that stands for the value of a variable."""


@frozen
class Origin:
    """Where something was said."""

    source: Source
    """The file."""

    path: KeyPath
    """The key in that file."""

    given: Origin | None = None
    """Where its value was given, if this is a place that names a variable."""


@frozen
class Leaf:
    """A value without parts."""

    value: Any
    """As tomllib returns it."""

    origin: Origin


@frozen
class Items:
    """A list."""

    nodes: tuple[Node, ...]
    """Its items."""

    origin: Origin


@frozen
class Table:
    """A table, also an inline one."""

    keys: Mapping[str, Node]
    """Its values."""

    origin: Origin

    @property
    def override(self) -> bool:
        """Whether it may say again what an earlier file has said."""
        return plain(self.keys[OVERRIDE]) is True if OVERRIDE in self.keys else False


Node: TypeAlias = Leaf | Items | Table
"""A value with its origin."""


@frozen
class Fault:
    """Something that is wrong between files."""

    origin: Origin
    """The place to correct."""

    path: KeyPath
    """The key by which people know it."""

    wrong: str
    """What is wrong, to be read after the key."""

    remedy: str
    """What would be right."""

    other: Origin | None = None
    """A second place, whose file and line end `wrong`."""


def tree(source: Source) -> Table:
    """Return the document of a file."""
    return _table(source.table, Origin(source, ()))


def _table(value: Mapping[str, Any], origin: Origin) -> Table:
    return Table({key: _node(each, _inner(origin, key)) for key, each in value.items()}, origin)


def _node(value: Any, origin: Origin) -> Node:
    if isinstance(value, list):
        nodes = (_node(each, _inner(origin, number)) for number, each in enumerate(value))
        return Items(tuple(nodes), origin)
    return _table(value, origin) if isinstance(value, Mapping) else Leaf(value, origin)


def _inner(origin: Origin, step: str | int) -> Origin:
    return Origin(origin.source, (*origin.path, step))


def plain(node: Node) -> Any:
    """Return the value without origins."""
    match node:
        case Leaf():
            return node.value
        case Items():
            return [plain(each) for each in node.nodes]
    return {key: plain(each) for key, each in node.keys.items()}


def is_mark(key: str, node: Node) -> bool:
    """Return whether a key says how its table is merged, and is not a value of it."""
    return key == OVERRIDE and isinstance(plain(node), bool)


def without_marks(table: Table) -> Table:
    """Return a table without the keys that say how to merge."""
    kept = {key: node for key, node in table.keys.items() if not is_mark(key, node)}
    return evolve(table, keys={key: _unmarked(node) for key, node in kept.items()})


def _unmarked(node: Node) -> Node:
    match node:
        case Table():
            return without_marks(node)
        case Items():
            return evolve(node, nodes=tuple(map(_unmarked, node.nodes)))
    return node


def within(node: Node, path: KeyPath) -> Node:
    """Return what stands at a path, or the innermost table or list that lacks the rest of it."""
    for step in path:
        found: Node | None = None
        if isinstance(node, Table) and isinstance(step, str):
            found = node.keys.get(step)
        elif isinstance(node, Items) and isinstance(step, int) and step < len(node.nodes):
            found = node.nodes[step]
        if found is None:
            break
        node = found
    return node


def moved(node: Node, place: Origin) -> Node:
    """Return a value as if it had been said at a place that names it."""
    origin = evolve(place, given=node.origin)
    match node:
        case Leaf():
            return Leaf(node.value, origin)
        case Items():
            return Items(tuple(moved(each, place) for each in node.nodes), origin)
    return Table({key: moved(each, place) for key, each in node.keys.items()}, origin)


def variable(node: Node) -> str:
    """Return the name of the variable that a table stands for. Empty: it is another value."""
    if isinstance(node, Table) and node.keys.keys() == {VAR}:
        name = plain(node.keys[VAR])
        return name if isinstance(name, str) else ""
    return ""


def references(node: Node, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield where variables are named."""
    inner: Iterator[tuple[str | int, Node]] = iter(())
    if path and variable(node):
        yield path
    elif isinstance(node, Items):
        inner = iter(enumerate(node.nodes))
    elif isinstance(node, Table):
        inner = iter(node.keys.items())
    for step, each in inner:
        yield from references(each, (*path, step))
