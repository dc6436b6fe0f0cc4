"""The right value in place of one of a wrong type, where it can be known: `80` for `"80"`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, get_args

import attrs

from supervisor.config import schema_text
from supervisor.config.explain.schedules import duration_for
from supervisor.config.layers.tree import VAR
from supervisor.config.limits.limit import Limit
from supervisor.observations import Duration
from supervisor.text import duration

MAX_SHOWN = 60
"""Characters at most of a text that a remedy repeats."""

_NUMBER = re.compile(
    r"\s*([+-]?)0*([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+(?:_[0-9]+)*)(\.[0-9]+)?\s*%?\s*"
)
"""A number that was written as text, such as "80 %" or "1,000"."""

_TEXTS = (str, Any, object)
"""The types that take text."""

_WORDS = {
    "true": ("true", "yes", "on", "y", "1"),
    "false": ("false", "no", "off", "n", "0"),
}
"""What people write for the two booleans of TOML."""


def _number_type(expected: Any) -> Any:
    """Return the type of a limit's numbers, or the type itself."""
    return get_args(expected)[0] if schema_text.is_limit(expected) else expected


def corrected(value: object, expected: Any) -> str:
    """Return what to write instead: "80, without quotes". Empty if that cannot be known.

    It repeats the value, so it is not for the keys of secrets.
    """
    expected = _number_type(expected)
    if schema_text.is_union(expected):
        found = (corrected(value, member) for member in schema_text.members(expected))
        return next(filter(None, found), "")
    if schema_text.is_list(expected):
        return _as_list(value, get_args(expected)[0])
    text = _as_plain(value, expected)
    return f"{text}, without quotes" if text and isinstance(value, str) and text[0] != '"' else text


def _as_list(value: object, member: Any) -> str:
    if isinstance(value, list | Mapping) or attrs.has(member):
        return ""
    inner = _as_plain(value, member)
    if not inner and isinstance(value, str) and member in (str, Path) and is_harmless(value):
        if " " in value or "," in value:
            return ""
        inner = schema_text.written(value)
    return f"[{inner}]" if inner else ""


def _as_plain(value: object, expected: Any) -> str:
    match value:
        case list() if len(value) == 1 and not isinstance(value[0], list | Mapping):
            return _only_item(value[0], expected)
        case bool() if expected is str:
            return schema_text.written(schema_text.written(value))
        case bool() | list() | Mapping():
            return ""
        case time() | date():
            return _of_time(value, expected)
    if expected is bool:
        return _boolean(str(value))
    if expected is str and isinstance(value, int | float):
        return f'"{value}"'
    if expected in (int, float):
        return _number(value, expected)
    return ""


def _only_item(value: object, expected: Any) -> str:
    if expected in (str, Path, Duration) and isinstance(value, str) and is_harmless(value):
        return schema_text.written(value)
    if expected in (int, float) and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return ""


def is_harmless(value: str) -> bool:
    """Return whether a text may be repeated: it is short, and not an address with a password."""
    return len(value) <= MAX_SHOWN and value.isprintable() and not set(value) & set("@?")


def _of_time(value: date | time, expected: Any) -> str:
    if isinstance(value, time):
        clock = value.strftime("%H:%M:%S" if value.second else "%H:%M")
        if expected is Duration:
            seconds = value.hour * 3600 + value.minute * 60 + value.second
            return f'"{duration(seconds)}"' if seconds else ""
        return f'"{clock}"' if expected in _TEXTS else ""
    if isinstance(value, datetime) or expected not in _TEXTS:
        return ""
    return f'"{value.isoformat()}"'


def _boolean(word: str) -> str:
    folded = word.strip().lower()
    return next((right for right, words in _WORDS.items() if folded in words), "")


def _number(value: object, expected: Any) -> str:
    match = _NUMBER.fullmatch(str(value))
    if match is None:
        return ""
    whole = match[1] + match[2].replace(",", "").replace("_", "")
    fraction = (match[3] or "").rstrip("0").rstrip(".")
    return whole if expected is int or not fraction else whole + fraction


def example_of(field: attrs.Attribute[Any] | None, expected: Any) -> str:
    """Return an example for a key: its own one, its default, or one of its type.

    It is empty for a number of which no good value is known.
    """
    if field is not None:
        if own := field.metadata.get("example"):
            return str(own)
        default = field.default.value if isinstance(field.default, Limit) else field.default
        if isinstance(default, bool | int | float | str) and default != "":
            if schema_text.is_duration(expected) and not isinstance(default, str):
                return f'"{duration(default)}"'
            return schema_text.written(default)
    return "" if _number_type(expected) in (int, float) else schema_text.example(expected)


def remedy_for_a_wrong_type(
    value: object, expected: Any, field: attrs.Attribute[Any] | None, *, may_show: bool
) -> str:
    """Return what would be right in place of a value of a wrong type."""
    if isinstance(value, Mapping) and value.keys() == {VAR}:
        return "declare the variable under [vars]"
    if may_show and (text := corrected(value, expected)):
        return f"write {text}"
    if isinstance(value, str) and schema_text.is_list(expected) and get_args(expected)[0] is str:
        return 'write a list, each text in quotes: ["…", "…"]'
    if Duration in (expected, *get_args(expected)) and isinstance(value, str):
        return duration_for(value)
    if example := example_of(field, expected):
        return f"write for example {example}"
    return f"write {schema_text.with_article(schema_text.kind(expected))}{_range(field)}"


def remedy_for_a_missing_key(key: object, field: attrs.Attribute[Any] | None, kind: Any) -> str:
    """Return what to add. It is never a number that would make an alert fire at once."""
    kind = _number_type(kind)
    if schema_text.is_literal(kind):
        choice = [schema_text.written(argument) for argument in get_args(kind)]
        return f"write {key} = {', '.join(choice[:-1])} or {choice[-1]}"
    if example := example_of(field, kind):
        return f"write for example {key} = {example}"
    return f"write {key} = …, {schema_text.with_article(schema_text.kind(kind))}{_range(field)}"


def _range(field: attrs.Attribute[Any] | None) -> str:
    found = field.metadata.get("range") if field is not None else None
    return f" {found}" if found else ""
