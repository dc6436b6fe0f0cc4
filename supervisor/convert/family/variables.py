"""The variables of a family: one for each value in which its hosts differ."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Sequence, Set
from typing import Any

from attrs import define, field, frozen

from supervisor.config.layers.tree import VAR, Items, Leaf, Node, Origin, Table, plain
from supervisor.config.problems import KeyPath
from supervisor.convert.family.same import canonical

_SECRETS = ({"credential"}, {"file"}, {"env"})
"""The keys of a table that is a secret."""

_DURATION = re.compile(r"(\d+(\.\d+)?(ms|s|m|h|d))+")
"""How the converter writes a duration."""

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""Where a word begins in a name such as `archiveManager`."""

_UNFIT = re.compile(r"[^a-z0-9]+")
"""What the name of a variable does not have."""

_ALIKE = ("integer", "number", "boolean", "duration")
"""Types of values that are often the same by chance. Each place has a variable of its own."""


@frozen
class Variable:
    """A value in which the hosts differ."""

    type: str
    """Its type in `[vars]`."""

    values: Sequence[Node]
    """Its value on each host."""

    @property
    def default(self) -> Node | None:
        """The value that more than half of the hosts have."""
        ((most, count),) = Counter(map(canonical, self.values)).most_common(1)
        if count * 2 <= len(self.values):
            return None
        return next(each for each in self.values if canonical(each) == most)

    def declaration(self, place: Origin) -> Table:
        """Return what the family says of it."""
        keys: dict[str, Node] = {"type": Leaf(self.type, place)}
        if self.default is not None:
            keys["default"] = _placed(self.default, place)
        return Table(keys, place)


@define
class Variables:
    """The variables of one family by their names."""

    found: dict[str, Variable] = field(factory=dict)
    """The variables in the order in which the family names them."""

    _names: dict[object, str] = field(factory=dict)
    """Their names by what tells them apart."""

    def stand_in(self, values: Sequence[Node], path: KeyPath, *, is_value: bool) -> Table | None:
        """Return a table that names a variable with these values. None: none can have them."""
        kind = _type_of(values, is_value=is_value)
        if kind is None:
            return None
        told: tuple[object, ...] = (kind, *map(canonical, values))
        if kind in _ALIKE:
            told = (*told, path)
        if told not in self._names:
            name = self._free_name(path)
            self._names[told] = name
            self.found[name] = Variable(kind, values)
        place = values[0].origin
        return Table({VAR: Leaf(self._names[told], place)}, place)

    def keep(self, names: Set[str]) -> None:
        """Forget the variables that the family does not name in the end."""
        self.found = {name: each for name, each in self.found.items() if name in names}

    def _free_name(self, path: KeyPath) -> str:
        """Return a name for the value at a path, of which list items are given by their names."""
        steps = [_UNFIT.sub("_", _HUMP.sub("_", str(step)).lower()).strip("_") for step in path]
        words = [step for step in steps if step not in ("", "modules", "params")]
        # A parameter is known by its key. What is in a table or in a list needs more.
        least = 1 if "params" in path[-2:-1] else 2
        counts = range(min(least, len(words)), len(words) + 1)
        names = ["_".join(words[-count:]) for count in counts if count]
        names += [f"{'_'.join(words) or 'value'}_{number}" for number in range(2, 10_000)]
        return next(name for name in names if name not in self.found and name != "override")


def _placed(node: Node, place: Origin) -> Node:
    """Return a value with one place for all of its parts: it is written in one line."""
    match node:
        case Leaf():
            return Leaf(node.value, place)
        case Items():
            return Items(tuple(_placed(each, place) for each in node.nodes), place)
    return Table({key: _placed(each, place) for key, each in node.keys.items()}, place)


def _type_of(values: Sequence[Node], *, is_value: bool) -> str | None:
    """Return the type that all of some values have."""
    if all(map(_is_secret, values)):
        return "secret" if is_value else None
    if any(isinstance(each, Table) for each in values):
        return None
    kinds = {_kind(plain(each)) for each in values}
    if len(kinds) == 1:
        return kinds.pop()
    if kinds <= {"text", "address", "duration"}:
        return "text"
    return "list of text" if kinds <= {"list of text", "list of addresses"} else None


def _kind(value: Any) -> str | None:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str() if _is_address(value):
            return "address"
        case str():
            return "duration" if _DURATION.fullmatch(value) else "text"
        case [str(), *others] if all(isinstance(each, str) for each in others):
            return "list of addresses" if all(map(_is_address, value)) else "list of text"
    return None


def _is_secret(node: Node) -> bool:
    return isinstance(node, Table) and set(node.keys) in _SECRETS


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
