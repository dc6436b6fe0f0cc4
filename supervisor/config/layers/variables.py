"""The variables of a family: a file declares them with their types, others give their values.

A value stands where `{ var = "NAME" }` was. There are no variables inside text.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeGuard

from attrs import Attribute, define, evolve, field, frozen

from supervisor.config import schema_text
from supervisor.config.files import Source
from supervisor.config.layers.effective import VARS
from supervisor.config.layers.merge import TWICE
from supervisor.config.layers.tree import (
    Fault,
    Items,
    Node,
    Origin,
    Table,
    moved,
    plain,
    variable,
)
from supervisor.config.problems import InvalidValue, KeyPath, KeyProblem, TableError
from supervisor.config.secret import Secret
from supervisor.config.structure import structure
from supervisor.observations import Duration, Size
from supervisor.text import advice, shortened

TYPES: Mapping[str, tuple[Any, str]] = {
    "text": (str, '"…"'),
    "integer": (int, "1"),
    "number": (float, "0.5"),
    "boolean": (bool, "true"),
    "duration": (Duration, '"5m"'),
    "size": (Size, '"5GiB"'),
    "address": (str, '"127.0.0.1"'),
    "path": (Path, '"/path/to/file"'),
    "secret": (Secret, '{ credential = "name" }'),
    "list of text": (tuple[str, ...], '["…"]'),
    "list of integers": (tuple[int, ...], "[1]"),
    "list of addresses": (tuple[str, ...], '["127.0.0.1"]'),
}
"""The types that a variable may have: how its value is read, and an example."""

_SECRETS = {"credential", "file", "env"}
"""The keys of a secret, which is a value and declares nothing."""


def _is_type(_declaration: object, _: Attribute[str], value: str) -> None:
    if value not in TYPES:
        raise InvalidValue(
            f"'{shortened(value)}' is not a type of a variable; {advice(value, TYPES)}"
        )


@frozen
class Declaration:
    """What a file declares of a variable."""

    type: str = field(validator=_is_type, metadata={"example": '"text"'})
    """One of `TYPES`."""

    default: Any = None
    """The value if no file gives another one. None: a file must give one."""


@define
class Variables:
    """The variables of a service file and of the files that it builds on."""

    service_file: Source
    """The service file, which must give what has no default."""

    values: dict[str, Node] = field(factory=dict)
    """The values by name. One that is wrong is not there."""

    known: set[str] = field(factory=set)
    """All names that are declared."""

    faults: list[Fault] = field(factory=list)
    """What is wrong with them."""

    @classmethod
    def of(cls, service_file: Source, trees: Sequence[Table]) -> Self:
        """Return the variables of some files, the lowest of them first."""
        made = cls(service_file)
        declared: dict[str, Table] = {}
        given: dict[str, Node] = {}
        for each in trees:
            table = each.keys.get(VARS)
            if isinstance(table, Table):
                for name, node in table.keys.items():
                    if declares(node):
                        made._take(declared, name, node, override=table.override)
                    else:
                        made._take(given, name, node, override=table.override)
            elif table is not None:
                wrong = f"is {schema_text.found(plain(table))}, not a table"
                made._refuse(table, (VARS,), wrong, "write [vars]")
        made.known = {*declared}
        for name, node in declared.items():
            made._settle(name, node, given.pop(name, None))
        for name, node in given.items():
            remedy = advice(name, declared, "declared are")
            wrong = "is not declared, so it has no type"
            made._refuse(node, (VARS, name), wrong, remedy if declared else _declare(name))
        return made

    def _take(self, taken: dict[str, Any], name: str, node: Node, *, override: bool) -> None:
        first = taken.setdefault(name, node)
        if first is not node and override:
            taken[name] = node
        elif first is not node:
            remedy = "remove one, or write override = true in [vars]"
            self._refuse(node, (VARS, name), TWICE, remedy, first.origin)

    def _settle(self, name: str, declared: Table, given: Node | None) -> None:
        """Take the value of a variable, or write down what is wrong with it."""
        path: KeyPath = (VARS, name)
        try:
            found = structure(plain(declared), Declaration, path)
        except TableError as error:
            self._refuse_all(declared, path, error.problems)
            return
        node = declared.keys.get("default") if given is None else given
        expected, example = TYPES[found.type]
        if node is None:
            remedy = f"write under [vars] for example {name} = {example}"
            wrong = "is missing: it has no default in"
            place = Origin(self.service_file, path)
            self.faults.append(Fault(place, path, wrong, remedy, other=declared.origin))
            return
        at = (*path, "default") if given is None else path
        try:
            structure(plain(node), expected, at)
        except TableError as error:
            self._refuse_all(node, at, error.problems)
            return
        wrong_address = next(_wrong_addresses(node), None) if "address" in found.type else None
        if wrong_address is not None:
            self._refuse(wrong_address, at, "is not an IP address", 'write for example "127.0.0.1"')
            return
        self.values[name] = node

    def filled(self, table: Table, path: KeyPath = ()) -> Table:
        """Return what a file says with the values of variables in their places."""
        keys = {key: self._filled(each, (*path, key)) for key, each in table.keys.items()}
        return evolve(table, keys=keys)

    def _filled(self, node: Node, path: KeyPath) -> Node:
        if name := variable(node):
            if name in self.values:
                return moved(self.values[name], node.origin)
            if name not in self.known:
                wrong = f"names the variable '{name}', which is not declared"
                remedy = advice(name, self.known, "declared are") if self.known else _declare(name)
                self._refuse(node, path, wrong, remedy)
            return node
        match node:
            case Table():
                return self.filled(node, path)
            case Items():
                nodes = (self._filled(each, (*path, n)) for n, each in enumerate(node.nodes))
                return evolve(node, nodes=tuple(nodes))
        return node

    def _refuse_all(self, node: Node, at: KeyPath, problems: Sequence[KeyProblem]) -> None:
        for each in problems:
            place = evolve(node.origin, path=(*node.origin.path, *each.path[len(at) :]))
            self.faults.append(Fault(place, each.path, each.wrong, each.remedy))

    def _refuse(
        self, node: Node, path: KeyPath, wrong: str, remedy: str, other: Origin | None = None
    ) -> None:
        self.faults.append(Fault(node.origin, path, wrong, remedy, other=other))


def declares(node: Node) -> TypeGuard[Table]:
    """Return whether a value of `[vars]` declares a variable and is not its value."""
    return isinstance(node, Table) and not node.keys.keys() & _SECRETS


def _declare(name: str) -> str:
    return f'declare it under [vars], for example {name} = {{ type = "text" }}'


def _wrong_addresses(node: Node) -> Iterator[Node]:
    """Yield the texts of a value that are not addresses."""
    for each in node.nodes if isinstance(node, Items) else (node,):
        try:
            ipaddress.ip_address(plain(each))
        except ValueError:
            yield each
