"""How single legacy values become typed values; each function takes a key's value or raises."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import TypeAlias, TypeVar

from supervisor.config.timezone import ABBREVIATIONS
from supervisor.convert.legacy_yaml.fault import Fault
from supervisor.convert.legacy_yaml.nodes import Mapping, Node, Pair, Scalar, Sequence, is_null
from supervisor.convert.mapping.context import FileContext
from supervisor.convert.service_file.toml import Entry, Item, texts
from supervisor.text import duration as as_written

ReadValue: TypeAlias = Callable[[FileContext, str, Node], Item | None]
"""Takes the context, the legacy key and its value; returns the value of the service file."""

_Given = TypeVar("_Given")
_Read = TypeVar("_Read")

ZONES = {**ABBREVIATIONS, "UTC": "UTC", "GMT": "UTC"}
"""The abbreviations of time zones in legacy files, with the names that a service file takes."""

YES = ("y", "yes", "true", "on", "1")
"""What a legacy file may have for Y."""

NO = ("n", "no", "false", "off", "0")
"""What a legacy file may have for N."""

_THOUSANDS = re.compile(r"[-+]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")
"""A number with commas between thousands: 1,000."""

_NUMBER = re.compile(r"[-+]?[0-9]{1,15}(?:\.[0-9]{1,9})?")
"""A text that is plainly a number."""


def as_text(context: FileContext, key: str, node: Node) -> str:
    """Return the text as it was written, whatever YAML makes of it, and say so if it differs."""
    if not isinstance(node, Scalar):
        raise Fault(node.span.first, f"has {kind(node)} for {key}", f"write a text after {key}:")
    if context.is_secret(node):
        wrong = f"has for {key} the alias of a password"
        raise Fault(node.span.first, wrong, "write the text out")
    if isinstance(node.value, str):
        return node.value
    if not node.is_as_written:
        said = f"{key} {context.shown(node)} is {_read_as(node)} to YAML: the text is used"
        context.journal.warn(node.span.first, said)
    return node.text


def text(context: FileContext, key: str, node: Node) -> Item:
    """Take one text."""
    return Item(as_text(context, key, node), node.span)


def text_list(context: FileContext, key: str, node: Node) -> Item:
    """Take a list of texts, or one text."""
    if isinstance(node, Sequence):
        given = [item for item in node.items if not is_null(item)]
        items = _each(context, given, lambda item: Item(as_text(context, key, item), item.span))
        return Item(items, node.span)
    return texts((as_text(context, key, node),), node.span)


def comma_list(context: FileContext, key: str, node: Node) -> Item:
    """Take texts with commas between them, or a list."""
    if isinstance(node, Sequence):
        return text_list(context, key, node)
    parts = tuple(part.strip() for part in as_text(context, key, node).split(","))
    return texts(tuple(part for part in parts if part), node.span)


def number(context: FileContext, key: str, node: Node) -> float:
    """Return the number that Ruby read; text that is plainly a number counts, too."""
    value = node.value if isinstance(node, Scalar) and not context.is_secret(node) else None
    if isinstance(node, Scalar) and isinstance(value, str):
        plain = value.strip().removesuffix("%").strip()
        if _NUMBER.fullmatch(plain):
            said = f"{key} {context.shown(node)} is text: it is read as a number"
            context.journal.warn(node.span.first, said)
            value = float(plain) if "." in plain else int(plain)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        wrong = f"has for {key} {kind(node)}, not a number"
        raise Fault(node.span.first, wrong, f"write a number after {key}:")
    if isinstance(node, Scalar) and isinstance(node.value, int | float) and _is_odd(node):
        said = f"{key} {context.shown(node)} is {value} to YAML, as for the agent"
        context.journal.warn(node.span.first, said)
    return value


def integer(context: FileContext, key: str, node: Node) -> Item:
    """Take a whole number; a fraction is cut, since the checks compare whole numbers."""
    value = number(context, key, node)
    if value != int(value):
        said = f"{key} {value:g} has a fraction: {int(value)} is used"
        context.journal.warn(node.span.first, said)
    return Item(int(value), node.span)


def seconds(context: FileContext, key: str, node: Node) -> Item:
    """Take a number of seconds as a duration."""
    return Item(duration_value(number(context, key, node)), node.span)


def minutes(context: FileContext, key: str, node: Node) -> Item:
    """Take a number of minutes as a duration."""
    return Item(duration_value(number(context, key, node) * 60), node.span)


def report_interval(context: FileContext, key: str, node: Node) -> Item | None:
    """Take seconds as a duration; a value below a minute has an unknown unit and is left out."""
    value = number(context, key, node)
    if value < 60:
        said = f"{key} {value:g} is left out: its unit is not known; write report_interval"
        context.journal.warn(node.span.first, said)
        return None
    context.journal.assume(f"{key} is in seconds")
    return seconds(context, key, node)


def duration_value(value: float) -> str | float:
    """Return seconds as a service file has them: "5m", or the number if it has a fraction."""
    if value == int(value) and 0 < value < 10**9:
        return as_written(value)
    return value


def flag(context: FileContext, key: str, node: Node) -> Item:
    """Take Y or N, and what YAML makes a boolean of."""
    word = node.text.strip().lower() if isinstance(node, Scalar) else ""
    if word not in YES and word not in NO:
        raise Fault(node.span.first, f"has for {key} neither Y nor N", f"write {key}: Y")
    if isinstance(node, Scalar) and not isinstance(node.value, str):
        meant = "Y" if word in YES else "N"
        said = f"{key} {context.shown(node)} is {_read_as(node)} to YAML: it is taken for {meant}"
        context.journal.warn(node.span.first, said)
    return Item(word in YES, node.span)


def over_or_under(context: FileContext, key: str, node: Node) -> Item:
    """Take Over or Under."""
    word = as_text(context, key, node).strip().lower()
    if word not in ("over", "under"):
        wrong = f"has for {key} neither Over nor Under"
        raise Fault(node.span.first, wrong, f"write {key}: Over")
    return Item(word, node.span)


def zone(context: FileContext, key: str, node: Node) -> Item:
    """Take a time zone by its abbreviation, such as KST, or its name."""
    name = as_text(context, key, node).strip()
    return Item(ZONES.get(name.upper(), name), node.span)


def text_map(context: FileContext, key: str, node: Node) -> Item:
    """Take names with a text each."""
    if not isinstance(node, Mapping):
        raise Fault(node.span.first, f"has {kind(node)} for {key}", f"write {key}: {{U: Updater}}")

    def entry(pair: Pair) -> Entry:
        value = Item(as_text(context, key, pair.value), pair.span)
        return Entry(as_text(context, key, pair.key), value)

    given = [pair for pair in node.pairs.values() if not is_null(pair.value)]
    return Item(_each(context, given, entry), node.span, is_table=True)


def _each(
    context: FileContext, given: Iterable[_Given], read: Callable[[_Given], _Read]
) -> tuple[_Read, ...]:
    """Return what is read of each. Raise the last fault after all have been looked at."""
    made: list[_Read] = []
    faults: list[Fault] = []
    for each in given:
        try:
            made.append(read(each))
        except Fault as fault:
            faults.append(fault)
    for earlier in faults[:-1]:
        context.journal.note_fault(earlier)
    if faults:
        raise faults[-1]
    return tuple(made)


def kind(node: Node) -> str:
    """Return what a value is, in words and with an article."""
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
    return "a date or symbol"
