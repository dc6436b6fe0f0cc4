"""Builds the nodes of a document from libyaml's events, their scalars read by Psych's rules."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import yaml
from attrs import define, evolve, field, frozen

from supervisor.convert.legacy_yaml import events, nodes, psych
from supervisor.convert.legacy_yaml.fault import Fault, Unreadable
from supervisor.convert.legacy_yaml.nodes import Mapping, Node, Pair, Scalar, Sequence, Span

DEEPEST = 90
"""Levels of nesting, those behind an alias included: Ruby's `to_json` refuses more than 100."""

LARGEST = 200_000
"""Values of a node, each alias counted again."""

_TEXT_TAGS = re.compile(r"!(str|ruby/string)|tag:yaml\.org,2002:str")
"""Tags that make a text of anything."""

_SYMBOL_TAGS = re.compile(r"!ruby/sym(bol)?")
"""Tags that make a Ruby symbol."""

_REFUSED_TAGS = re.compile(r"!ruby/(?!(string|sym|symbol)$)|!(struct|map:|seq:|str:)|.*:?omap$")
"""Tags that make a Ruby object which JSON cannot hold."""


@frozen
class _Extent:
    """How large a finished node is."""

    size: int = 1
    """Its values, itself included."""

    height: int = 0
    """The levels of nesting inside of it."""


@define
class NodeBuilder:
    """Builds one document; an alias gives the same node again, as in Ruby."""

    _events: Iterator[yaml.Event]
    """The events of the document that were not read yet."""

    scalars: list[yaml.ScalarEvent] = field(factory=list)
    """The scalars in the order of the text."""

    doubled: list[Pair] = field(factory=list)
    """Pairs whose key stands in the same mapping before."""

    faults: list[Fault] = field(factory=list)
    """What is wrong with single values. An empty text stands for each of them."""

    _anchors: dict[str, Node] = field(factory=dict)
    """What an alias refers to; a later anchor of the same name replaces the earlier."""

    _extents: dict[Node, _Extent] = field(factory=dict)
    """How large each finished node is; one that is not finished is missing."""

    _depth: int = 0
    """The levels of nesting around the next event."""

    def build(self, event: yaml.Event) -> Node:
        """Return the node that begins with an event, and consume all of it."""
        match event:
            case yaml.AliasEvent():
                return self._alias(event)
            case yaml.ScalarEvent():
                self.scalars.append(event)
                return self._anchored(event, self._scalar(event))
            case yaml.SequenceStartEvent():
                return self._sequence(event)
            case yaml.MappingStartEvent():
                return self._mapping(event)
        raise AssertionError(f"{type(event).__name__} does not begin a node")

    def _alias(self, event: yaml.AliasEvent) -> Node:
        node = self._anchors.get(event.anchor or "")
        if node is None:
            wrong = "refers to an anchor that is not there"
            self.faults.append(Fault(events.line(event), wrong, "put a text with * in quotes"))
            return Scalar("", "", _start(event))
        return node

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        span = _scalar_span(event)
        try:
            return Scalar(_value(event), event.value, span)
        except Unreadable as error:
            wrong = f"has a value that {error}"
            self.faults.append(Fault(span.first, wrong, "put it in quotes"))
        except Fault as fault:
            self.faults.append(fault)
        return Scalar("", "", span)

    def _anchored(self, event: yaml.NodeEvent, node: Node) -> Node:
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _check_tag(self, event: yaml.CollectionStartEvent) -> None:
        try:
            _check_tag(event)
        except Fault as fault:
            self.faults.append(fault)

    def _sequence(self, event: yaml.SequenceStartEvent) -> Sequence:
        self._check_tag(event)
        made = Sequence(_start(event))
        self._anchored(event, made)
        self._descend(made)
        while not isinstance(item := next(self._events), yaml.SequenceEndEvent):
            made.items.append(self.build(item))
        made.span = _around(made.span, *(item.span for item in made.items))
        self._finish(made)
        return made

    def _mapping(self, event: yaml.MappingStartEvent) -> Mapping:
        self._check_tag(event)
        made, own = Mapping(_start(event)), set[object]()
        if _TEXT_TAGS.fullmatch(event.tag or ""):
            wrong = "is tagged as text and is a mapping"
            self.faults.append(Fault(made.span.first, wrong, "remove the tag"))
        self._anchored(event, made)
        self._descend(made)
        while not isinstance(first := next(self._events), yaml.MappingEndEvent):
            key = self.build(first)
            second = next(self._events)
            value = self.build(second)
            if _is_merge(key, first, value, second) and _merge(made, value):
                continue
            self._put(made, _pair(key, value), own)
        made.span = _around(made.span, *(pair.span for pair in made.pairs.values()))
        self._finish(made)
        return made

    def _put(self, mapping: Mapping, pair: Pair, own: set[object]) -> None:
        """Set a pair; `own` are the keys that stand in the mapping itself, not merged into it."""
        self._extent(pair.key)  # refuses a key that contains itself
        name = nodes.identity(pair.key)
        if name in own:
            pair = evolve(pair, earlier=mapping.pairs[name].span.first)
            self.doubled.append(pair)
        own.add(name)
        mapping.put(pair)

    def _descend(self, node: Node) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise _too_deep(node)

    def _finish(self, node: Node) -> None:
        self._depth -= 1
        inner = [self._extent(child) for child in nodes.children(node)]
        size = 1 + sum(each.size for each in inner)
        height = 1 + max((each.height for each in inner), default=0)
        if size > LARGEST:
            raise Fault(node.span.first, "grows too large by its aliases", "write it out")
        if height > DEEPEST:
            raise _too_deep(node)
        self._extents[node] = _Extent(size, height)

    def _extent(self, node: Node) -> _Extent:
        if isinstance(node, Scalar):
            return _Extent()
        if node not in self._extents:
            wrong = "contains itself by an alias, which JSON cannot hold"
            raise Fault(node.span.first, wrong, "write the value out")
        return self._extents[node]


def _too_deep(node: Node) -> Fault:
    return Fault(node.span.first, "is nested too deeply", "write it flatter")


def _pair(key: Node, value: Node) -> Pair:
    at = Span(key.span.first, key.span.first)
    # An alias lies elsewhere: the pair ends where the alias is written.
    is_elsewhere = value.span.first < at.first
    return Pair(key, value, at if is_elsewhere else _around(at, value.span))


def _is_merge(key: Node, key_event: yaml.Event, value: Node, value_event: yaml.Event) -> bool:
    """Return whether Psych takes a pair for a merge."""
    if not isinstance(key, Scalar) or key.value != "<<":
        return False
    if isinstance(key_event, yaml.ScalarEvent) and key_event.tag == "tag:yaml.org,2002:str":
        return False
    # An alias of a list does not merge, a list of aliases does.
    return not (isinstance(value_event, yaml.AliasEvent) and isinstance(value, Sequence))


def _merge(target: Mapping, value: Node) -> bool:
    """Do what Psych does for `<<`; return whether it was a merge."""
    match value:
        case Mapping():
            merged = [value]
        case Sequence():
            merged = [item for item in reversed(value.items) if isinstance(item, Mapping)]
            if len(merged) != len(value.items):
                return False
        case _:
            return False
    for mapping in merged:
        for pair in list(mapping.pairs.values()):
            target.put(pair)
    return True


def _value(event: yaml.ScalarEvent) -> psych.Value:
    is_plain, is_quoted = event.implicit
    text, tag = event.value, event.tag or ""
    if is_quoted:
        return text
    if is_plain:
        return psych.scalar(text)
    _check_tag(event)
    if _TEXT_TAGS.fullmatch(tag):
        return text
    if _SYMBOL_TAGS.fullmatch(tag):
        return psych.Symbol(text)
    if tag in ("!binary", "tag:yaml.org,2002:binary"):
        return _binary(text)
    if tag in ("!float", "tag:yaml.org,2002:float"):
        return psych.to_float(psych.scalar(text))
    return psych.scalar(text)


def _binary(text: str) -> str:
    try:
        return base64.b64decode(text).decode()
    except ValueError:
        raise Unreadable("is binary and not a text") from None


def _check_tag(event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
    if event.tag is not None and _REFUSED_TAGS.match(event.tag):
        wrong = "has a tag that makes a Ruby object"
        raise Fault(events.line(event), wrong, "write plain values")


def _start(event: yaml.Event) -> Span:
    return Span(events.line(event), events.line(event))


def _scalar_span(event: yaml.ScalarEvent) -> Span:
    first, last = events.line(event), events.end(event).line + 1
    # A block scalar ends at the beginning of the line after it.
    ended = event.style in ("|", ">") and last > first
    return Span(first, last - 1 if ended else last)


def _around(*spans: Span) -> Span:
    # What lies before the first line was written elsewhere and is only referred to.
    inside = [span for span in spans if span.first >= spans[0].first]
    return Span(spans[0].first, max(span.last for span in inside))
