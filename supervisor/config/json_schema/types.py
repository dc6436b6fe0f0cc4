"""JSON Schema of the types that a service file may give.

Called by `document` for the tables of the file, and for the parameters of each check.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias, get_args
from zoneinfo import ZoneInfo

import attrs

from supervisor.config import schema_text
from supervisor.config.calendars.calendar import Calendar
from supervisor.config.json_schema.field_docs import field_docs
from supervisor.config.limits.limit import CLEAR, EVENT_TYPES, Limit
from supervisor.config.secret import Secret
from supervisor.observations import Duration, Size
from supervisor.text import duration

Schema: TypeAlias = dict[str, Any]
"""A JSON Schema, or a part of one."""

DURATION: Schema = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": r"^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$"},
    ]
}
"""`"1h30m"`, or a number of seconds."""

SIZE: Schema = {
    "anyOf": [
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": r"^[0-9]{1,15}\s*([kKMGT]i?)?B?$"},
    ]
}
"""`"64MiB"`, or a number of bytes."""

_SECRET: Schema = {
    "type": "object",
    "properties": {
        "credential": {
            "type": "string",
            "pattern": "^[^/]+$",
            "description": "a file in $CREDENTIALS_DIRECTORY",
        },
        "file": {
            "type": "string",
            "minLength": 1,
            "description": "a file that only its owner may read",
        },
        "env": {
            "type": "string",
            "pattern": "^[^=]+$",
            "description": "an environment variable",
        },
    },
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
}

_SIMPLE: Mapping[Any, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    Duration: DURATION,
    Size: SIZE,
    Secret: _SECRET,
    Path: {"type": "string", "minLength": 1},
    Calendar: {"type": "string", "minLength": 1},
    ZoneInfo: {"type": "string", "minLength": 1},
}


def schema_of(expected: Any) -> Schema:
    """Return the schema of the values that a type accepts."""
    if expected in _SIMPLE:
        return dict(_SIMPLE[expected])
    arguments = get_args(expected)
    if schema_text.is_literal(expected):
        return {"enum": list(arguments)}
    if schema_text.is_union(expected):
        members = [schema_of(member) for member in schema_text.members(expected)]
        return members[0] if len(members) == 1 else {"anyOf": members}
    if schema_text.is_list(expected):
        return {"type": "array", "items": schema_of(arguments[0])}
    if schema_text.is_limit(expected):
        return {"anyOf": [schema_of(arguments[0]), _limits(schema_of(arguments[0]))]}
    if schema_text.is_mapping(expected):
        return {"type": "object", "additionalProperties": schema_of(arguments[1])}
    return table(expected) if isinstance(expected, type) and attrs.has(expected) else {}


def _limits(number: Schema) -> Schema:
    """Return the schema of a table of limits."""
    return {
        "type": "object",
        "properties": {**dict.fromkeys(EVENT_TYPES, number), CLEAR: number},
        "additionalProperties": False,
        "anyOf": [{"required": [name]} for name in EVENT_TYPES],
    }


def table(cls: type[Any], **instead: Schema) -> Schema:
    """Return the schema of a table with the keys of an attrs class.

    `instead` has the schemas of keys whose type alone does not tell which values are right.
    """
    keys = schema_text.keys(cls)
    docs = field_docs(cls)
    properties = {}
    for key in keys:
        schema = dict(instead.get(key.name) or {**schema_of(key.type), **_rules(key.validator)})
        if text := key.metadata.get("help") or docs.get(key.name):
            schema["description"] = str(text)
        properties[schema_text.key_name(key)] = schema | _default(key)
    required = [schema_text.key_name(key) for key in keys if key.default is attrs.NOTHING]
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def _rules(validator: Any) -> Schema:
    """Return what the validators of a key add: each may say it in an attribute `schema`."""
    found: Schema = {}
    for each in getattr(validator, "_validators", (validator,)):  # attrs joins several in one
        found |= getattr(each, "schema", {})
    return found


def _default(key: attrs.Attribute[Any]) -> Schema:
    """Return the default, if there is one that JSON can hold."""
    default: Any = key.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class at run time
        default = None if default.takes_self else default.factory()
    if isinstance(default, Limit):
        default = default.value
    if isinstance(default, int | float) and schema_text.is_duration(key.type):
        default = duration(default)
    match default:
        case bool() | int() | float() | str():
            return {"default": default}
        case Path() | ZoneInfo():
            return {"default": str(default)}
        case tuple() if all(isinstance(item, int | str) for item in default):
            return {"default": list(default)}
    return {}
