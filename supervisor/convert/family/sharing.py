"""Splits the documents of several hosts into what they share and what is each host's own. Pure.

The order of modules decides when they run, and the order of items is kept, too. A merged list has
the family's items first. So the family gets the modules and items with which all lists begin alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attrs import define, evolve, frozen

from supervisor.config.layers.shape import ANY, Shape, name_of
from supervisor.config.layers.tree import Items, Node, Table, plain, variable
from supervisor.config.problems import KeyPath
from supervisor.convert.family.same import canonical
from supervisor.convert.family.variables import Variables

_HOSTS_OWN = ("service",)
"""Keys at the top that each host says itself."""


@frozen
class Shared:
    """Some documents, split."""

    family: Table
    """What all of them say, with variables where they differ."""

    hosts: Sequence[Table]
    """What each of them says beside that."""

    variables: Variables
    """The variables of the family, with the values of each host."""


def share(documents: Sequence[Table], shape: Shape) -> Shared:
    """Return what documents have in common, and what is left of each."""
    variables = Variables()
    family, hosts = _Splitter(variables).tables(documents, shape, ())
    variables.keep({*_used(family)})
    return Shared(family, hosts, variables)


@define
class _Splitter:
    variables: Variables

    def tables(
        self, tables: Sequence[Table], shape: Shape, path: KeyPath
    ) -> tuple[Table, Sequence[Table]]:
        """Split a table that all documents have."""
        inner = shape.inner(tables[0].keys)
        family: dict[str, Node] = {}
        own: Sequence[dict[str, Node]] = [{} for _ in tables]
        for key in dict.fromkeys(key for table in tables for key in table.keys):
            nodes = [table.keys.get(key) for table in tables]
            there = [node for node in nodes if node is not None]
            shared: Node | None = None
            rest: Sequence[Node | None] = nodes
            if len(there) == len(nodes) and (path or key not in _HOSTS_OWN):
                shared, rest = self._values(there, inner.get(key, ANY), (*path, key))
            if shared is not None:
                family[key] = shared
            for keys, node in zip(own, rest, strict=True):
                if node is not None:
                    keys[key] = node
        return evolve(tables[0], keys=family), [
            evolve(table, keys=keys) for table, keys in zip(tables, own, strict=True)
        ]

    def _values(
        self, nodes: Sequence[Node], shape: Shape, path: KeyPath
    ) -> tuple[Node | None, Sequence[Node | None]]:
        """Split a value that all documents have. None: nothing is left."""
        nothing = [None for _ in nodes]
        if len({*map(canonical, nodes)}) == 1:
            return nodes[0], nothing
        tables = [each for each in nodes if isinstance(each, Table)]
        lists = [each for each in nodes if isinstance(each, Items)]
        if len(tables) == len(nodes) and not shape.is_value:
            family, hosts = self.tables(tables, shape, path)
            if not family.keys:
                return None, nodes
            return family, [each if each.keys else None for each in hosts]
        if len(lists) == len(nodes) and shape.named_by:
            return self._lists(lists, shape, path)
        whole = self._whole(nodes, shape, path)
        return (None, nodes) if whole is None else (whole, nothing)

    def _whole(self, nodes: Sequence[Node], shape: Shape, path: KeyPath) -> Node | None:
        """Return one value in which variables alone differ. None: there is none."""
        if len({*map(canonical, nodes)}) == 1:
            return nodes[0]
        tables = [each for each in nodes if isinstance(each, Table)]
        if len(tables) == len(nodes) and not shape.is_value:
            return self._whole_table(tables, shape, path)
        rows = [_rows(each) for each in nodes]
        if all(rows) and len({*map(len, rows)}) == 1:
            items = [
                self._whole_table(each, shape, _numbered(path, number, each[0]))
                for number, each in enumerate(zip(*rows, strict=True), 1)
            ]
            found = tuple(each for each in items if each is not None)
            place = nodes[0].origin
            return Items(found, place) if len(found) == len(items) else None
        return self.variables.stand_in(nodes, path, is_value=shape.is_value)

    def _whole_table(self, tables: Sequence[Table], shape: Shape, path: KeyPath) -> Table | None:
        """Return one table in which variables alone differ. None: there is none."""
        first = tables[0]
        if any(each.keys.keys() != first.keys.keys() for each in tables):
            return None
        inner = shape.inner(first.keys)
        found: dict[str, Node] = {}
        for key in first.keys:
            nodes = [each.keys[key] for each in tables]
            if (node := self._whole(nodes, inner.get(key, ANY), (*path, key))) is None:
                return None
            found[key] = node
        return evolve(first, keys=found)

    def _lists(
        self, lists: Sequence[Items], shape: Shape, path: KeyPath
    ) -> tuple[Node | None, Sequence[Node | None]]:
        """Split a list whose items have names."""
        count = _alike(lists, shape)
        if not count:
            return None, lists
        shared: list[Node] = []
        left: Sequence[list[Node]] = [[] for _ in lists]
        for number in range(count):
            items = [each.nodes[number] for each in lists]
            tables = [each for each in items if isinstance(each, Table)]
            naming = _naming(tables[0], shape)
            family, hosts = self.tables(tables, shape, (*path, _known_as(tables[0], naming)))
            shared.append(family)
            for nodes, table, host in zip(left, tables, hosts, strict=True):
                if host.keys:
                    named = {key: table.keys[key] for key in naming}
                    nodes.append(evolve(host, keys={**named, **host.keys}))
        for nodes, each in zip(left, lists, strict=True):
            nodes += each.nodes[count:]
        return evolve(lists[0], nodes=tuple(shared)), [
            evolve(each, nodes=tuple(nodes)) if nodes else None
            for nodes, each in zip(left, lists, strict=True)
        ]


def _rows(node: Node) -> Sequence[Table]:
    """Return the items of a list of tables. Empty: it is another value."""
    nodes = node.nodes if isinstance(node, Items) else ()
    tables = [each for each in nodes if isinstance(each, Table)]
    return tables if len(tables) == len(nodes) else ()


def _numbered(path: KeyPath, number: int, item: Table) -> KeyPath:
    """Return the path of an item without a key that names it."""
    name = item.keys.get("name")
    step = f"{path[-1]}_{number}" if name is None else str(plain(name))
    return (*path[:-1], step)


def _used(node: Node) -> Iterator[str]:
    """Yield the names of the variables that a value names."""
    if name := variable(node):
        yield name
        return
    inner = node.nodes if isinstance(node, Items) else ()
    for each in node.keys.values() if isinstance(node, Table) else inner:
        yield from _used(each)


def _alike(lists: Sequence[Items], shape: Shape) -> int:
    """Return with how many items all lists begin alike."""
    count = 0
    for items in zip(*(each.nodes for each in lists), strict=False):
        names = {(name_of(shape, each), *_named(each, shape).items()) for each in items}
        if len(names) != 1 or name_of(shape, items[0]) is None:
            break
        count += 1
    for each in lists:
        names_of_all = [name_of(shape, item) for item in each.nodes]
        if {*names_of_all[count:]} & {*names_of_all[:count]}:
            return 0  # a later item would be merged with an earlier one
        if len({*names_of_all[:count]}) < count:
            return 0
    return count


def _named(item: Node, shape: Shape) -> Mapping[str, object]:
    """Return what the keys of an item say that name it."""
    keys = item.keys if isinstance(item, Table) else {}
    return {key: canonical(keys[key]) for key in shape.named_by if key in keys}


def _naming(item: Table, shape: Shape) -> Sequence[str]:
    """Return the keys by which a host names an item. A module needs one."""
    keys = [key for key in shape.named_by if key in item.keys]
    return keys[:1] if shape.named_by == ("name", "check") else keys


def _known_as(item: Table, naming: Sequence[str]) -> str:
    return str(plain(item.keys[naming[0]]))
