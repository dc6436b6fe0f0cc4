"""How single legacy values become typed values; each function takes a key's value or raises."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TypeAlias

from attrs import define, field

from supervisor import wording
from supervisor.convert.legacy_yaml.fault import Fault
from supervisor.convert.legacy_yaml.nodes import Mapping, Node, Scalar, Sequence
from supervisor.convert.mapping.journal import Journal, Section
from supervisor.convert.service_file.secrets import Vault
from supervisor.convert.service_file.toml import Entry, Item, texts

ZONES = {
    "KST": "Asia/Seoul",
    "JST": "Asia/Tokyo",
    "HKT": "Asia/Hong_Kong",
    "SGT": "Asia/Singapore",
    "PHT": "Asia/Manila",
    "ICT": "Asia/Bangkok",
    "WIB": "Asia/Jakarta",
    "UTC": "UTC",
    "GMT": "UTC",
}
YES, NO = ("y", "yes", "true", "on", "1"), ("n", "no", "false", "off", "0")

_THOUSANDS = re.compile(r"[-+]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")
_NUMBER = re.compile(r"[-+]?[0-9]{1,15}(?:\.[0-9]{1,9})?")


@define
class Desk:
    """What every part of a conversion needs: the notes, the secrets, and which scalars are some."""

    name: str
    journal: Journal
    vault: Vault
    secret: dict[int, str]
    kept: dict[tuple[int, str], str] = field(factory=dict)
    """The names of secrets by their scalar and value: an alias has the same."""

    def shown(self, node: Scalar) -> str:
        """Return a scalar as it was written, for a message; never a secret."""
        if id(node) in self.secret:
            return "a secret"
        return f"'{shortened(node.text, most=40)}'"


Field: TypeAlias = Callable[[Desk, str, Node], Item | None]
"""Takes the desk, the legacy key and its value."""


def as_text(desk: Desk, key: str, node: Node) -> str:
    """Return the text as it was written, whatever YAML makes of it, and say so if it differs."""
    if not isinstance(node, Scalar):
        raise Fault(node.span.first, f"has {_kind(node)} for {key}", f"write a text after {key}:")
    if id(node) in desk.secret:
        wrong = f"has for {key} the alias of a password"
        raise Fault(node.span.first, wrong, "write the text out")
    if isinstance(node.value, str):
        return node.value
    if not node.is_as_written:
        read = _read_as(node)
        desk.journal.warn(
            node.span.first, f"{key} {desk.shown(node)} is {read} to YAML: the text is used"
        )
    return node.text


def text(desk: Desk, key: str, node: Node) -> Item:
    return Item(as_text(desk, key, node), node.span)


def text_list(desk: Desk, key: str, node: Node) -> Item:
    """Take a list of texts, or one text."""
    if isinstance(node, Sequence):
        items = (Item(as_text(desk, key, item), item.span) for item in node.items if _is_set(item))
        return Item(tuple(items), node.span)
    return texts((as_text(desk, key, node),), node.span)


def comma_list(desk: Desk, key: str, node: Node) -> Item:
    """Take texts with commas between them, or a list."""
    if isinstance(node, Sequence):
        return text_list(desk, key, node)
    parts = tuple(part.strip() for part in as_text(desk, key, node).split(","))
    return texts(tuple(part for part in parts if part), node.span)


def number(desk: Desk, key: str, node: Node) -> float:
    """Return the number that Ruby read; text that is plainly a number counts, too."""
    value = node.value if isinstance(node, Scalar) and id(node) not in desk.secret else None
    if isinstance(node, Scalar) and isinstance(value, str):
        plain = value.strip().removesuffix("%").strip()
        if _NUMBER.fullmatch(plain):
            desk.journal.warn(node.span.first, f"{key} {desk.shown(node)} is text: a number now")
            value = float(plain) if "." in plain else int(plain)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        wrong = f"has for {key} {_kind(node)}, not a number"
        raise Fault(node.span.first, wrong, f"write a number after {key}:")
    if isinstance(node, Scalar) and isinstance(node.value, int | float) and _is_odd(node):
        desk.journal.warn(
            node.span.first, f"{key} {desk.shown(node)} is {value} to YAML, as for the agent"
        )
    return value


def integer(desk: Desk, key: str, node: Node) -> Item:
    """Take a whole number; a fraction is cut, since the checks compare whole numbers."""
    value = number(desk, key, node)
    if value != int(value):
        desk.journal.warn(node.span.first, f"{key} {value:g} has a fraction: {int(value)} is used")
    return Item(int(value), node.span)


def seconds(desk: Desk, key: str, node: Node) -> Item:
    return Item(duration(number(desk, key, node)), node.span)


def minutes(desk: Desk, key: str, node: Node) -> Item:
    return Item(duration(number(desk, key, node) * 60), node.span)


def report_interval(desk: Desk, key: str, node: Node) -> Item | None:
    value = number(desk, key, node)
    if value < 60:
        said = f"{key} {value:g} is left out: its unit is not known; write report_interval"
        desk.journal.warn(node.span.first, said)
        return None
    desk.journal.assume(f"{key} is in seconds")
    return seconds(desk, key, node)


def duration(value: float) -> str | float:
    """Return seconds as a service file has them: "5m", or a number if they are no whole ones."""
    if value == int(value) and 0 < value < 10**9:
        return supervisor_text.duration(value)
    return value


def flag(desk: Desk, key: str, node: Node) -> Item:
    """Take Y or N, and what YAML makes a boolean of."""
    word = node.text.strip().lower() if isinstance(node, Scalar) else ""
    if word in YES or word in NO:
        if isinstance(node, Scalar) and not isinstance(node.value, str):
            said = f"{key} {desk.shown(node)} is {_read_as(node)} to YAML, not Y or N: its meaning"
            desk.journal.warn(node.span.first, said)
        return Item(word in YES, node.span)
    raise Fault(node.span.first, f"has for {key} neither Y nor N", f"write {key}: Y")


def over_or_under(desk: Desk, key: str, node: Node) -> Item:
    word = as_text(desk, key, node).strip().lower()
    if word not in ("over", "under"):
        wrong = f"has for {key} neither Over nor Under"
        raise Fault(node.span.first, wrong, f"write {key}: Over")
    return Item(word, node.span)


def zone(desk: Desk, key: str, node: Node) -> Item:
    """Take a time zone by its abbreviation, such as KST, or its name."""
    name = as_text(desk, key, node).strip()
    return Item(ZONES.get(name.upper(), name), node.span)


def text_map(desk: Desk, key: str, node: Node) -> Item:
    """Take names with a text each."""
    if not isinstance(node, Mapping):
        raise Fault(node.span.first, f"has {_kind(node)} for {key}", f"write {key}: {{U: Updater}}")
    entries = tuple(
        Entry(as_text(desk, key, pair.key), Item(as_text(desk, key, pair.value), pair.span))
        for pair in node.pairs.values()
        if _is_set(pair.value)
    )
    return Item(entries, node.span, is_table=True)


def rows(desk: Desk, section: Section, key: str, target: str) -> list[Section]:
    """Return the mappings of a list, each as a section of its own."""
    pair = section.take(key, target)
    if pair is None or not _is_set(pair.value):
        desk.journal.warn(pair.span.first if pair else section.line, f"{key} lists nothing")
        return []
    items = pair.value.items if isinstance(pair.value, Sequence) else [pair.value]
    found = []
    for index, item in enumerate(items):
        if not isinstance(item, Mapping):
            wrong = f"has in {key} {_kind(item)}, not a mapping"
            raise Fault(item.span.first, wrong, f"write the keys of one item below {key}:")
        path = f"{section.at(key)}[{index}]"
        found.append(Section(item, path, "", desk.journal))
    return found


def _is_set(node: Node) -> bool:
    return not (isinstance(node, Scalar) and node.is_null)


def _is_odd(node: Scalar) -> bool:
    """Whether people would not see the number in what is written: 010, 0x1F, 1:30, 80,81."""
    text = node.text.replace("_", "")
    if "," in text and not _THOUSANDS.fullmatch(text):
        return True
    try:
        return float(text.replace(",", "")) != node.value
    except ValueError:
        return True


def _read_as(node: Scalar) -> str:
    value = node.value
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
    return "no text"


def _kind(node: Node) -> str:
    match node:
        case Sequence():
            return "a list"
        case Mapping():
            return "a mapping"
        case Scalar(value=bool()):
            return "a boolean"
        case Scalar(value=int() | float()):
            return "a number"
        case Scalar(value=None):
            return "nothing"
        case Scalar(value=str()):
            return "a text"
    return "a date or symbol"
