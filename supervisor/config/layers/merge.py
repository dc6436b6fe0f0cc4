"""Merges a file into those that it builds on. Pure: trees in, a tree and its faults out.

Tables are merged key by key. Items of a list are merged by what names them, if something does. All
else is said once, or again in a table with `override = true`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeGuard

from attrs import define, evolve, field

from supervisor.config.layers.shape import ANY, Shape, name_of
from supervisor.config.layers.tree import (
    OVERRIDE,
    Fault,
    Items,
    Node,
    Table,
    is_mark,
    plain,
    variable,
    without_marks,
)
from supervisor.config.problems import KeyPath
from supervisor.text import advice

ENABLED = "enabled"
"""The key of an item that switches it off."""

TWICE = "is given twice, first in"
"""What is wrong with a second definition. The first place follows."""


def merged(trees: Iterable[Table], shape: Shape) -> tuple[Table, tuple[Fault, ...]]:
    """Return all files as one, the lowest of them first, and what is wrong between them."""
    merger = _Merger()
    lowest, *others = trees
    whole = lowest
    for each in others:
        whole = merger.tables(whole, each, shape, ())
    whole = without_marks(merger.without_disabled(whole, shape, ()))
    return whole, tuple(merger.faults)


@define
class _Merger:
    """Merges trees, and writes down what is wrong."""

    faults: list[Fault] = field(factory=list)

    def tables(self, below: Table, above: Table, shape: Shape, path: KeyPath) -> Table:
        """Return a table with what a later file says of it."""
        keys = dict(below.keys)
        inner = shape.inner({**below.keys, **above.keys})
        for key, node in above.keys.items():
            if is_mark(key, node):
                continue
            old = below.keys.get(key)
            if old is None:
                keys[key] = node
            elif key not in shape.named_by or plain(old) != plain(node):
                keys[key] = self._both(
                    old, node, inner.get(key, ANY), (*path, key), override=above.override
                )
        return evolve(below, keys=keys)

    def _both(self, old: Node, new: Node, shape: Shape, path: KeyPath, *, override: bool) -> Node:
        """Return one value for two of the same key."""
        if isinstance(old, Table) and isinstance(new, Table) and not shape.is_value:
            if not variable(old) and not variable(new):
                return self.tables(old, new, shape, path)
        elif isinstance(old, Items) and isinstance(new, Items) and shape.named_by:
            return self._lists(old, new, shape, path)
        if override:
            return new
        remedy = f"remove one, or write {OVERRIDE} = true in the table of this one"
        self.faults.append(Fault(new.origin, path, TWICE, remedy, other=old.origin))
        return old

    def _lists(self, old: Items, new: Items, shape: Shape, path: KeyPath) -> Items:
        """Return the items of a list with those of a later file. New ones come last."""
        nodes = [*old.nodes]
        places: dict[Hashable, int] = {}
        for number, node in enumerate(nodes):
            if (name := name_of(shape, node)) is not None:
                places.setdefault(name, number)
        for node in new.nodes:
            place = places.get(name_of(shape, node))
            before = None if place is None else nodes[place]
            if place is None or not (isinstance(before, Table) and isinstance(node, Table)):
                nodes.append(node)
            else:
                nodes[place] = self.tables(before, node, shape, (*path, place))
        return evolve(old, nodes=tuple(nodes))

    def without_disabled(self, table: Table, shape: Shape, path: KeyPath) -> Table:
        """Return a table without the items of its lists that a file has switched off."""
        inner = shape.inner(table.keys)
        keys = dict(table.keys)
        for key, node in table.keys.items():
            below = inner.get(key, ANY)
            if isinstance(node, Items) and below.named_by:
                keys[key] = self._without_disabled(node, below, (*path, key))
            elif isinstance(node, Table) and not below.is_value:
                keys[key] = self.without_disabled(node, below, (*path, key))
        return evolve(table, keys=keys)

    def _without_disabled(self, items: Items, shape: Shape, path: KeyPath) -> Items:
        nodes: list[Node] = []
        for number, node in enumerate(items.nodes):
            switch = node.keys.get(ENABLED) if isinstance(node, Table) else None
            if not isinstance(node, Table) or shape.has_enabled or not _is_switch(switch):
                kept = node
            elif plain(switch) is False:
                self._look_for_subject(items, node, shape, (*path, number))
                continue
            else:
                kept = evolve(node, keys={k: v for k, v in node.keys.items() if k != ENABLED})
            if isinstance(kept, Table):
                kept = self.without_disabled(kept, shape, (*path, len(nodes)))
            nodes.append(kept)
        return evolve(items, nodes=tuple(nodes))

    def _look_for_subject(self, items: Items, item: Table, shape: Shape, path: KeyPath) -> None:
        """Write down a fault if an item switches off what no other file has."""
        switch = item.keys[ENABLED].origin
        if (switch.source, switch.path[:-1]) != (item.origin.source, item.origin.path):
            return
        name, others = _shown(item, shape), [_shown(each, shape) for each in items.nodes]
        known = [each for each in others if each and each != name]
        remedy = advice(name, known, "there are") if known else "remove it"
        self.faults.append(
            Fault(switch, (*path, ENABLED), "switches off what is not there", remedy)
        )


def _is_switch(node: Node | None) -> TypeGuard[Node]:
    return node is not None and isinstance(plain(node), bool)


def _shown(item: Node, shape: Shape) -> str:
    first = item.keys.get(shape.named_by[0]) if isinstance(item, Table) else None
    return "" if first is None else str(plain(first))
