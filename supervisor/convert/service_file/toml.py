"""The parts of a service file that the converter writes, each with its lines in the legacy file."""

from __future__ import annotations

import json
import re
from typing import TypeAlias

import tomli_w
from attrs import define, evolve, field, frozen

from supervisor.convert.legacy_yaml.nodes import Span

Simple: TypeAlias = bool | int | float | str
"""A value without parts."""

FIRST_TOO_LARGE = 2**63
"""The first integer that TOML cannot hold."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
"""A key that needs no quotes."""


@frozen
class Item:
    """A value of the service file."""

    value: Simple | tuple[Item, ...] | tuple[Entry, ...]
    """A simple value, the items of a list, or the entries of an inline table."""

    span: Span | None = None
    """The legacy lines that it came from."""

    is_table: bool = False
    """Whether it is an inline table."""

    disabled: bool = False
    """Whether it is commented out."""

    raw: bool = False
    """Whether `value` is already TOML text, written as it is."""

    def disable(self) -> Item:
        """Return the item as one that is commented out."""
        return evolve(self, disabled=True)


@frozen
class Entry:
    """A key with its value."""

    key: str
    """The key, without quotes."""

    item: Item
    """Its value."""


@define
class Table:
    """A header with the keys below it."""

    path: str
    """What stands in the header; empty for the top of the file, which has none."""

    span: Span | None
    """The legacy lines that the header came from."""

    array: bool = False
    """Whether the header is written `[[…]]`."""

    entries: list[Entry] = field(factory=list)
    """The keys below it, in their order."""

    def add(self, key: str, value: Simple, span: Span | None = None) -> None:
        """Add a key with a simple value."""
        self.entries.append(Entry(key, Item(value, span)))

    def put(self, key: str, item: Item | None) -> None:
        """Add a key unless it has no value."""
        if item is not None:
            self.entries.append(Entry(key, item))


def texts(values: tuple[str, ...], span: Span | None = None) -> Item:
    """Return a list of texts."""
    return Item(tuple(Item(value) for value in values), span)


def inline_table(entries: dict[str, Item | None], span: Span | None = None) -> Item:
    """Return an inline table of the keys that have a value."""
    inner = tuple(Entry(key, item) for key, item in entries.items() if item is not None)
    return Item(inner, span, is_table=True)


def key_text(name: str) -> str:
    """Return a key as TOML writes it."""
    if _BARE_KEY.fullmatch(name):
        return name
    return value_text(Item(name))


def value_text(item: Item) -> str:
    """Return a value on one line."""
    value = item.value
    if item.raw:
        return str(value)
    if not isinstance(value, tuple):
        return tomli_w.dumps({"x": value}).removeprefix("x = ").rstrip("\n")
    if item.is_table:
        pairs = ", ".join(
            f"{key_text(each.key)} = {value_text(each.item)}"
            for each in value
            if isinstance(each, Entry)
        )
        return f"{{ {pairs} }}" if pairs else "{}"
    return f"[{', '.join(value_text(each) for each in value if isinstance(each, Item))}]"


def json_text(text: str) -> str:
    """Return a JSON text as a TOML value that people can read."""
    text = text.replace("\x7f", "\\u007f")
    text = text.replace("'''", "\\u0027" * 3)  # only a JSON string can hold them
    if "\n" in text:
        return f"'''\n{text}'''"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
