"""A YAML document as the legacy agent sees it, with the lines that it came from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeAlias

from attrs import define, field, frozen

from supervisor.convert.legacy_yaml.psych import Symbol, Value
from supervisor.convert.legacy_yaml.psych_time import Date, Time

Node: TypeAlias = "Scalar | Sequence | Mapping"


@frozen
class Span:
    """Lines from `first` to `last`, counted from 1."""

    first: int
    last: int


@frozen(eq=False)
class Scalar:
    """A value as Psych reads it, and the text that it was written as."""

    value: Value
    text: str
    span: Span

    @property
    def is_null(self) -> bool:
        return self.value is None

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
    items: list[Node] = field(factory=list)


@frozen(eq=False)
class Pair:
    """A key with its value; `span` holds both, `earlier` is the line of a pair that it replaced."""

    key: Node
    value: Node
    span: Span
    earlier: int = 0


@define(eq=False)
class Mapping:
    """Keys with their values in the order of a Ruby hash."""

    span: Span
    pairs: dict[object, Pair] = field(factory=dict)

    def get(self, name: str) -> Pair | None:
        """Return the pair of a key that is text."""
        return self.pairs.get(("str", name))

    def put(self, pair: Pair) -> None:
        """Set a pair as Ruby does: the last counts, in the place of the first."""
        self.pairs[identity(pair.key)] = pair


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
