"""A YAML document as the legacy agent sees it, with the lines that it came from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeAlias

from attrs import define, field, frozen

from supervisor.convert.legacy_yaml.psych import Symbol, Value
from supervisor.convert.legacy_yaml.psych_time import Date, Time

Node: TypeAlias = "Scalar | Sequence | Mapping"
"""A value of the document."""


@frozen
class Span:
    """The lines on which something stands, counted from 1."""

    first: int
    """The line on which it begins."""

    last: int
    """The line on which it ends."""


@frozen(eq=False)
class Scalar:
    """A value as Psych reads it, and the text that it was written as."""

    value: Value
    """What Psych makes of it."""

    text: str
    """What stands in the file, without quotes and escapes."""

    span: Span
    """Where it stands."""

    @property
    def is_as_written(self) -> bool:
        """Whether text and value say the same."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return False
        return isinstance(value, str) or str(value) == self.text


@define(eq=False)
class Sequence:
    """A list."""

    span: Span
    """Where it stands."""

    items: list[Node] = field(factory=list)
    """Its values; an alias is the node that it refers to."""


@frozen(eq=False)
class Pair:
    """A key with its value."""

    key: Node
    """Mostly a text; YAML allows any value."""

    value: Node
    """What the key stands for."""

    span: Span
    """Where both stand."""

    earlier: int = 0
    """The line of the pair that it replaces; 0 if it replaces none."""


@define(eq=False)
class Mapping:
    """Keys with their values in the order of a Ruby hash."""

    span: Span
    """Where it stands."""

    pairs: dict[object, Pair] = field(factory=dict)
    """The pairs by the `identity` of their keys."""

    def get(self, name: str) -> Pair | None:
        """Return the pair of a key that is text."""
        return self.pairs.get(("str", name))

    def put(self, pair: Pair) -> None:
        """Set a pair as Ruby does: the last counts, in the place of the first."""
        self.pairs[identity(pair.key)] = pair


def is_null(node: Node) -> bool:
    """Return whether a value is Ruby's `nil`."""
    return isinstance(node, Scalar) and node.value is None


def is_false_or_null(node: Node) -> bool:
    """Return whether a value does not count as true in Ruby."""
    return isinstance(node, Scalar) and (node.value is None or node.value is False)


def children(node: Node) -> Iterator[Node]:
    """Yield the nodes directly inside of a node, keys included."""
    match node:
        case Sequence():
            yield from node.items
        case Mapping():
            for pair in node.pairs.values():
                yield pair.key
                yield pair.value


def identity(key: Node) -> object:
    """Return what tells keys apart in a Ruby hash: 1 is not 1.0, and both are not "1"."""
    match key:
        case Scalar(value=str() as text):
            return ("str", text)
        case Scalar():
            return (type(key.value).__name__, repr(key.value))
        case Sequence():
            return ("seq", *map(identity, key.items))
        case Mapping():
            each = ((name, identity(pair.value)) for name, pair in key.pairs.items())
            return ("map", frozenset(each))


def to_s(node: Node) -> str:
    """Return a key as Ruby's `to_s` shows it, which is how JSON has it."""
    match node:
        case Scalar(value=str() as text):
            return text
        case Scalar(value=None):
            return ""
        case Scalar(value=Symbol(name=name)):
            return name
    return inspect(node)


def inspect(node: Node) -> str:
    """Return a value inside of a key, as Ruby's `inspect` shows it."""
    match node:
        case Sequence():
            return f"[{', '.join(map(inspect, node.items))}]"
        case Mapping():
            pairs = (f"{inspect(each.key)}=>{inspect(each.value)}" for each in node.pairs.values())
            return f"{{{', '.join(pairs)}}}"
    value = node.value
    match value:
        case None:
            return "nil"
        case bool():
            return str(value).lower()
        case Symbol(name=name):
            return f":{name}"
        case Date(text=text):
            return text
        case Time():
            return f"{value.moment:%Y-%m-%d %H:%M:%S}"
        case str():
            return f'"{value}"'
    return ruby_float(value) if isinstance(value, float) else str(value)


def ruby_float(value: float) -> str:
    """Return a float as Ruby writes it: 1.0e+20, Infinity."""
    if not math.isfinite(value):
        return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}[repr(value)]
    text = repr(value)
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text
    return f"{mantissa if '.' in mantissa else f'{mantissa}.0'}e{exponent}"
