"""The pieces that a service file is laid out from, each with the lines that it came from."""

from __future__ import annotations

import json
import re
from typing import TypeAlias

import tomli_w
from attrs import define, evolve, field, frozen

from supervisor.convert.legacy_yaml.nodes import Span

Simple: TypeAlias = bool | int | float | str

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
LONGEST_INTEGER = 2**63


@frozen
class Item:
    """A value: simple, a list of items, or an inline table.

    A `disabled` one is commented out; a `raw` one is TOML already.
    """

    value: Simple | tuple[Item, ...] | tuple[Entry, ...]
    span: Span | None = None
    is_table: bool = False
    disabled: bool = False
    raw: bool = False

    def disable(self) -> Item:
        """Return the item as one that is commented out."""
        return evolve(self, disabled=True)


@frozen
class Entry:
    """A key with its value."""

    key: str
    item: Item


@define
class Table:
    """A header with the keys below it. `array` is for `[[…]]`."""

    path: str
    span: Span | None
    array: bool = False
    entries: list[Entry] = field(factory=list)

    def add(self, key: str, value: Simple, span: Span | None = None) -> None:
        self.entries.append(Entry(key, Item(value, span)))

    def put(self, key: str, item: Item | None) -> None:
        """Add a key unless it has no value."""
        if item is not None:
            self.entries.append(Entry(key, item))


def texts(values: tuple[str, ...], span: Span | None = None) -> Item:
    """Return a list of texts."""
    return Item(tuple(Item(value) for value in values), span)


def table(entries: dict[str, Item | None], span: Span | None = None) -> Item:
    """Return an inline table of what is there."""
    inner = tuple(Entry(key, item) for key, item in entries.items() if item is not None)
    return Item(inner, span, is_table=True)


def key(name: str) -> str:
    """Return a key as TOML writes it."""
    if _BARE_KEY.fullmatch(name):
        return name
    return written(Item(name))


def written(item: Item) -> str:
    """Return a value on one line."""
    value = item.value
    if item.raw:
        return str(value)
    if not isinstance(value, tuple):
        return tomli_w.dumps({"x": value}).removeprefix("x = ").rstrip("\n")
    if item.is_table:
        pairs = ", ".join(
            f"{key(each.key)} = {written(each.item)}" for each in value if isinstance(each, Entry)
        )
        return f"{{ {pairs} }}" if pairs else "{}"
    return f"[{', '.join(written(each) for each in value if isinstance(each, Item))}]"


def json_text(text: str) -> str:
    """Return a JSON text as a TOML value that people can read."""
    text = text.replace("\x7f", "\\u007f")
    text = text.replace("'''", "\\u0027" * 3)  # only a JSON string can hold them
    if "\n" in text:
        return f"'''\n{text}'''"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
