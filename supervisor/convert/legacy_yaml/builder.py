"""Turns the nodes that ruamel.yaml composes into ours, their scalars read by Psych's rules."""

from __future__ import annotations

import base64
import re
from typing import Any

from attrs import define, field
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.tag import Tag

from supervisor.convert.legacy_yaml import psych
from supervisor.convert.legacy_yaml.fault import Fault
from supervisor.convert.legacy_yaml.nodes import (
    Mapping,
    Node,
    Pair,
    Scalar,
    Sequence,
    Span,
    identity,
)

_PLAIN, _QUOTED = Tag(suffix="plain"), Tag(suffix="quoted")
_TEXT_TAGS = re.compile(r"!(str|ruby/string)|tag:yaml\.org,2002:str")
_SYMBOL_TAGS = re.compile(r"!ruby/sym(bol)?")
_REFUSED_TAGS = re.compile(r"!ruby/(?!(string|sym|symbol)$)|!(struct|map:|seq:|str:)|.*:?omap$")


class Untagged(VersionedResolver):
    """Tells scalars without a tag apart from those tagged as what they look like."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Tag:
        return _PLAIN if kind is not ScalarNode or implicit[0] else _QUOTED

    @property
    def processing_version(self) -> Any:
        """Return YAML 1.1, whatever a document's first line says: libyaml knows nothing else."""
        return (1, 1)


@define
class Builder:
    """Turns composed nodes into ours; an alias gives the same node again, as in Ruby."""

    doubled: list[Pair] = field(factory=list)
    _built: dict[int, Node] = field(factory=dict)

    def build(self, node: Any) -> Node:
        if (known := self._built.get(id(node))) is not None:
            return known
        match node:
            case ScalarNode():
                return self._built.setdefault(id(node), _scalar(node))
            case SequenceNode():
                return self._sequence(node)
            case MappingNode():
                return self._mapping(node)
        raise AssertionError(f"{type(node).__name__} is no node of YAML")

    def _sequence(self, node: Any) -> Sequence:
        _check_tag(node)
        made = Sequence(_start(node))
        self._built[id(node)] = made
        made.items = [self.build(item) for item in node.value]
        made.span = _around(made.span, *(item.span for item in made.items))
        return made

    def _mapping(self, node: Any) -> Mapping:
        _check_tag(node)
        if _TEXT_TAGS.fullmatch(str(node.tag)):
            raise Fault(_start(node).first, "is tagged as text and is none", "remove the tag")
        made, own = Mapping(_start(node)), set[object]()
        self._built[id(node)] = made
        for composed_key, composed_value in node.value:
            is_alias = id(composed_value) in self._built
            key, value = self.build(composed_key), self.build(composed_value)
            # An alias lies elsewhere: the pair ends where the alias is written.
            at = Span(composed_key.start_mark.line + 1, composed_key.start_mark.line + 1)
            span = at if value.span.first < at.first else _around(at, value.span)
            is_merge = isinstance(key, Scalar) and key.value == "<<"
            # An alias of a list is no merge to Psych, a list of aliases is.
            is_merge &= not (is_alias and isinstance(value, Sequence))
            if is_merge and not _is_text_tag(composed_key) and _merge(made, value):
                continue
            name = identity(key)
            if name in own:
                earlier = made.pairs[name].span.first
                self.doubled.append(Pair(key, value, span, earlier))
            own.add(name)
            made.put(Pair(key, value, span))
        made.span = _around(made.span, *(pair.span for pair in made.pairs.values()))
        return made


def _is_text_tag(node: Any) -> bool:
    return str(node.tag) == "tag:yaml.org,2002:str"


def _merge(target: Mapping, value: Node) -> bool:
    """Do what Psych does for `<<`; return whether it was one."""
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


def _scalar(node: Any) -> Scalar:
    span, text = _scalar_span(node), node.value
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise Fault(span.first, "has half of a character (a surrogate)", "write the character")
    try:
        return Scalar(_value(node, text), text, span)
    except psych.Unreadable as error:
        raise Fault(span.first, f"has a value that {error}", "put it in quotes") from None


def _value(node: Any, text: str) -> psych.Value:
    if node.ctag is _QUOTED:
        return str(text)
    if node.ctag is _PLAIN:
        return psych.scalar(text)
    _check_tag(node)
    tag = str(node.tag)
    if _TEXT_TAGS.fullmatch(tag):
        return str(text)
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
        raise psych.Unreadable("is binary, and is no text") from None


def _check_tag(node: Any) -> None:
    suffix = node.ctag.suffix or ""
    if suffix == "!!" or any(each in suffix for each in ",[]"):
        raise Fault(_start(node).first, "has a tag that is none", "remove what begins with !")
    if node.ctag not in (_PLAIN, _QUOTED) and _REFUSED_TAGS.match(str(node.tag)):
        wrong = "has a tag that makes a Ruby object"
        raise Fault(_start(node).first, wrong, "write plain values")


def _start(node: Any) -> Span:
    line = node.start_mark.line + 1
    return Span(line, line)


def _scalar_span(node: Any) -> Span:
    first, last = node.start_mark.line + 1, node.end_mark.line + 1
    # A block scalar ends at the beginning of the line after it.
    ended = node.style in ("|", ">") and last > first
    return Span(first, last - 1 if ended else last)


def _around(*spans: Span) -> Span:
    # What lies before the first line was written elsewhere and is only referred to.
    inside = [span for span in spans if span.first >= spans[0].first]
    return Span(spans[0].first, max(span.last for span in inside))
