"""The keys of a table of a service file as rows: name, value, default, help."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import attrs

from scripts.reference.markdown import code, plain
from supervisor.commands.checks import default_text
from supervisor.config import schema_text
from supervisor.config.json_schema.types import Schema
from supervisor.text import data_size

HEAD = ("key", "value", "default", "means")
"""The head of such a table."""

UNITS = {
    "_bytes": "bytes",
    "_days": "days",
    "_ledger": "bytes",
    "_output": "bytes",
    "_percent": "%",
    "_pressure": "%",
}
"""How the names of keys end whose numbers have a unit. The unit of a duration is told once."""

LIMITS = "service-file.md#limits"
"""Where it is told how a table of limits is written."""

Row = tuple[str, str, str, str]
"""The cells of a key."""


def row(key: attrs.Attribute[Any], schema: Schema, default: str = "") -> Row:
    """Return the cells of a key. `default` is for one whose class does not have it."""
    meaning = plain(str(schema.get("description", "")))
    return code(schema_text.key_name(key)), value(key, schema), default or _default(key), meaning


def value(key: attrs.Attribute[Any], schema: Schema) -> str:
    """Return what a value must be."""
    kind = schema_text.kind(key.type)
    if schema_text.is_literal(key.type):
        kind = " or ".join(code(schema_text.written(each)) for each in get_args(key.type))
    measure = unit(key)
    kind = kind.replace("limits", f"[limits]({LIMITS})")
    bound = bounds(schema, measure or _seconds(key)) or _range(key) or measure
    return f"{kind}, {bound}" if bound else kind


def unit(key: attrs.Attribute[Any]) -> str:
    """Return the unit of a number, or nothing."""
    if not re.search("number|integer", schema_text.kind(key.type)):
        return ""
    return next((text for end, text in UNITS.items() if key.name.endswith(end)), "")


def bounds(schema: Schema, unit: str = "") -> str:
    """Return the bounds that a schema has, in words."""
    if "exclusiveMinimum" in schema:
        return f"more than {_number(schema['exclusiveMinimum'], unit)}"
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f"from {least:g} to {_number(most, unit)}"
    if least is not None:
        return f"{_number(least, unit)} or more"
    if "minItems" in schema or schema.get("pattern") == r"\S":
        return "not empty"
    if names := schema.get("propertyNames"):
        return _names(names)
    for each in schema.get("anyOf", ()):
        if "type" in each:
            found = bounds(each, unit)
            return "" if found == "0 s or more" else found  # each duration is
    return ""


def _names(schema: Mapping[str, Any]) -> str:
    refused = schema.get("not", {}).get("enum", ())
    kept = f", not {', '.join(map(code, refused))}" if refused else ""
    return f"each name of letters, digits and `_`{kept}"


def _range(key: attrs.Attribute[Any]) -> str:
    return str(key.metadata.get("range", "")).removeprefix("of ")


def _seconds(key: attrs.Attribute[Any]) -> str:
    return "s" if schema_text.is_duration(key.type) else ""


def _number(number: float, unit: str) -> str:
    if unit == "bytes" and number >= 1024:
        return data_size(number).replace(".0 ", " ")
    one = number == 1 and unit in ("bytes", "days")
    return f"{number:g} {unit[:-1] if one else unit}".rstrip()


def _default(key: attrs.Attribute[Any]) -> str:
    text = default_text(key)
    if unit(key) == "bytes" and isinstance(key.default, int):
        return data_size(key.default)
    if text in ("[]", "{}", '""'):
        return "empty"
    return text if text in ("required", "none", "depends") else code(text)


def inner_tables(expected: Any) -> Iterator[tuple[bool, type[Any]]]:
    """Yield the classes of the tables that a type holds, and whether there may be several."""
    if isinstance(expected, type) and attrs.has(expected):
        if schema_text.kind(expected) == "table":
            yield False, expected
        return
    several = schema_text.is_list(expected)
    for argument in get_args(expected):
        for more, inner in inner_tables(argument):
            yield several or more, inner
