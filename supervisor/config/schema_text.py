"""Values and types of a service file in words: what a file has, what is expected, an example."""

from __future__ import annotations

import types
from collections.abc import Mapping
from collections.abc import Sequence as AbstractSequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin
from zoneinfo import ZoneInfo

import attrs

from supervisor.config.calendars.calendar import Calendar
from supervisor.config.limits.limit import Limit
from supervisor.config.secret import Secret
from supervisor.observations import Duration, Size
from supervisor.text import shortened

THREE_FORMS = '{ credential = "name" }, { file = "path" } or { env = "NAME" }'
"""How a service file may refer to a secret."""

_SIMPLE: Mapping[Any, tuple[str, str]] = {
    str: ("text", '"…"'),
    bool: ("boolean", "true"),
    int: ("integer", "1"),
    float: ("number", "0.5"),
    Duration: ("duration", '"5m"'),
    Size: ("size", '"5GiB"'),
    Secret: ("secret", '{ credential = "name" }'),
    Path: ("path", '"/path/to/file"'),
    Calendar: ("calendar file", '"calendars/kr.toml"'),
    ZoneInfo: ("time zone", '"Asia/Seoul"'),
    Any: ("plain value", '"…"'),
    object: ("plain value", '"…"'),
}
"""Types with their names in words, and an example of each in TOML."""

_UNCOUNTED = ("text", "one of ", "limits")
"""How names begin that take no article and have no plural."""


def kind(expected: Any) -> str:
    """Return a type in words, without an article: "integer", "list of tables"."""
    if expected in _SIMPLE:
        return _SIMPLE[expected][0]
    arguments = get_args(expected)
    if is_literal(expected):
        return "one of " + ", ".join(written(argument) for argument in arguments)
    if is_union(expected):
        return " or ".join(kind(member) for member in members(expected))
    if is_list(expected):
        return f"list of {_plural(kind(arguments[0]))}"
    if is_limit(expected):
        return f"{kind(arguments[0])} or limits"
    if is_mapping(expected):
        return f"table of {_plural(kind(arguments[1]))}"
    return "table" if attrs.has(expected) else "value"


def is_duration(expected: Any) -> bool:
    """Return whether a number of this type means seconds. One of `int | Duration` does not."""
    possible = (expected, *get_args(expected))
    numbers = [get_args(each)[0] if is_limit(each) else each for each in possible]
    return Duration in numbers and int not in numbers


def with_article(noun: str) -> str:
    """Return a noun of `kind` with its article."""
    if noun.startswith(_UNCOUNTED):
        return noun
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def example(expected: Any) -> str:
    """Return a value of this type as it may be written in TOML."""
    if expected in _SIMPLE:
        return _SIMPLE[expected][1]
    arguments = get_args(expected)
    if is_literal(expected):
        return written(arguments[0])
    if is_union(expected):
        return example(members(expected)[0])
    if is_list(expected):
        return f"[{example(arguments[0])}]"
    if is_limit(expected):
        return example(arguments[0])
    if is_mapping(expected):
        return f"{{ name = {example(arguments[1])} }}"
    if attrs.has(expected):
        required = (field for field in keys(expected) if field.default is attrs.NOTHING)
        pairs = ", ".join(f"{key_name(field)} = {_example_of(field)}" for field in required)
        return f"{{ {pairs} }}" if pairs else "{}"
    return '"…"'


def _example_of(required: attrs.Attribute[Any]) -> str:
    """Return an example for a key without a default. A number of ours might fire at once."""
    if own := required.metadata.get("example"):
        return str(own)
    numbers = (int, float, Limit[int], Limit[float])
    return "…" if required.type in numbers else example(required.type)


def found(value: object) -> str:
    """Return the type of a TOML value in words, never the value itself."""
    match value:
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a number"
        case str():
            return "text"
        case Mapping():
            return "a table"
        case list():
            return "a list"
        case datetime() | date() | time():
            return "a date or time"
    return "a value of another kind"


def written(value: object) -> str:
    """Return a value as TOML has it, shortened."""
    match value:
        case bool():
            return str(value).lower()
        case Path() | ZoneInfo():
            return written(str(value))
        case str():
            return f'"{shortened(value)}"'
        case tuple() | list():
            return f"[{', '.join(written(item) for item in value)}]"
        case Mapping():
            return f"{{{', '.join(f'{key} = {written(item)}' for key, item in value.items())}}}"
        case None:
            return "none"
        case float() if value.is_integer() and abs(value) < 1e15:
            return f"{value:.1f}"
        case Limit():
            return written(value.value)
        case Calendar():
            return written(value.path)
    return "{…}" if attrs.has(type(value)) else shortened(str(value))


def keys(table: type) -> tuple[attrs.Attribute[Any], ...]:
    """Return the fields of an attrs class that a file may give."""
    fields = attrs.fields(table)
    if any(isinstance(field.type, str) for field in fields):
        fields = attrs.fields(attrs.resolve_types(table))
    return tuple(field for field in fields if field.init and field.metadata.get("key", True))


def key_name(field: attrs.Attribute[Any]) -> str:
    """Return how a file names a field: `except` for `except_`, since Python keeps that word."""
    return field.name.removesuffix("_")


def is_literal(expected: Any) -> bool:
    """Return whether the type lists its values."""
    return get_origin(expected) is Literal


def is_union(expected: Any) -> bool:
    """Return whether the type is a union; an optional value is one."""
    return get_origin(expected) in (Union, types.UnionType)


def members(union: Any) -> tuple[Any, ...]:
    """Return the types of a union, without None, which TOML cannot write."""
    return tuple(member for member in get_args(union) if member is not type(None))


def is_list(expected: Any) -> bool:
    """Return whether the type is a list, or a tuple of any length."""
    arguments = get_args(expected)
    if get_origin(expected) is tuple:
        return len(arguments) == 2 and arguments[1] is Ellipsis
    return get_origin(expected) in (list, AbstractSequence)


def is_limit(expected: Any) -> bool:
    """Return whether the type is a limit of a number."""
    return get_origin(expected) is Limit


def is_mapping(expected: Any) -> bool:
    """Return whether the type is a mapping from names."""
    return get_origin(expected) in (dict, Mapping) and get_args(expected)[0] is str


def _plural(noun: str) -> str:
    if " or " in noun:
        return " or ".join(map(_plural, noun.split(" or ")))
    if noun.startswith(_UNCOUNTED):
        return noun
    first, _, rest = noun.partition(" of ")
    return f"{first}s of {rest}" if rest else f"{first}s"
