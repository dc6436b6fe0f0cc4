"""The JSON Schema of a file that is merged with others: a host's, a family's, or a fragment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from supervisor.config.json_schema.document import KnownCheck, document
from supervisor.config.json_schema.types import Schema
from supervisor.config.layers.effective import EXTENDS, VARS
from supervisor.config.layers.merge import ENABLED
from supervisor.config.layers.tree import OVERRIDE, VAR
from supervisor.config.layers.variables import TYPES

TITLE = "A file of alertmanager-supervisor that is merged with others"
"""What editors call it."""

_VARIABLE: Schema = {
    "type": "object",
    "properties": {VAR: {"type": "string", "minLength": 1}},
    "required": [VAR],
    "additionalProperties": False,
}

_OVERRIDE: Schema = {
    "type": "boolean",
    "description": "true: this table may say again what an earlier file has said",
}

_ENABLED: Schema = {"type": "boolean", "description": "false: the item is taken out of the list"}

_VARS: Schema = {
    "type": "object",
    "description": "declares variables with their types, and gives their values",
    "properties": {OVERRIDE: _OVERRIDE},
    "additionalProperties": {
        "anyOf": [
            {
                "type": "object",
                "properties": {"type": {"enum": [*TYPES]}, "default": {}},
                "required": ["type"],
                "additionalProperties": False,
            },
            {"not": {"type": "object"}},
            {"type": "object", "maxProperties": 1, "not": {"required": ["type"]}},
        ]
    },
}

_WHOLE = ("required", "dependencies", "minItems", "uniqueItems", "minProperties")
"""What only a whole table or list must have."""


def layered_document(checks: Iterable[KnownCheck]) -> Schema:
    """Return the schema of a file that says a part, for files with these checks."""
    whole = document(checks)
    definitions = {name: _part(each) for name, each in whole["definitions"].items()}
    made = {**_part(whole), "title": TITLE, "definitions": definitions}
    text = "the file on which this one builds; its path starts at the service file"
    extends = {"type": "string", "minLength": 1, "description": text}
    made["properties"] = {EXTENDS: extends, VARS: _VARS, **made["properties"]}
    return made


def _part(schema: Any) -> Any:
    """Return the schema of a part of what a schema describes."""
    if isinstance(schema, list):
        return [_part(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    made = {key: _part(each) for key, each in schema.items() if key not in _WHOLE}
    # `if` says when a rule applies, and stays. An alternative of nothing but duties is none.
    if "if" in schema:
        made["if"] = schema["if"]
    if not all(made.get("anyOf", [True])):
        del made["anyOf"]
    if "properties" in schema and "type" in schema:
        made["properties"] = {
            **{name: _or_variable(each) for name, each in made["properties"].items()},
            OVERRIDE: _OVERRIDE,
        }
    if isinstance(schema.get("additionalProperties"), Mapping):
        made["additionalProperties"] = _or_variable(made["additionalProperties"])
        made["properties"] = {**made.get("properties", {}), OVERRIDE: _OVERRIDE}
    if isinstance(items := made.get("items"), dict) and "properties" in items:
        items["properties"].setdefault(ENABLED, _ENABLED)
    return made


def _or_variable(schema: Schema) -> Schema:
    """Return the schema of a value, or of a variable in its place."""
    told = {key: schema[key] for key in ("description", "default") if key in schema}
    rest = {key: value for key, value in schema.items() if key not in told}
    return told | {"anyOf": [rest, _VARIABLE]}
