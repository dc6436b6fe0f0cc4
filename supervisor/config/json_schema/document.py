"""The JSON Schema of a whole service file, for editors and for tools that write such files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from supervisor.config.fallback.fallback import Fallback, FallbackCommand, FallbackMail
from supervisor.config.json_schema.types import DURATION, SIZE, Schema, schema_of, table
from supervisor.config.notation import MIN_INTERVAL, MIN_LEDGER_BYTES
from supervisor.config.service import (
    LABEL_NAME,
    RESERVED_FROM_FILES,
    Alertmanager,
    During,
    Maintenance,
    Module,
    Service,
    StatusListener,
)

DIALECT = "http://json-schema.org/draft-07/schema#"
"""The newest version of JSON Schema that TOML editors know."""

_TEXT: Schema = {"type": "string", "pattern": r"\S"}
_COUNT: Schema = {"type": "integer", "minimum": 1}
_URL: Schema = {"type": "string", "pattern": r"^https?://[^\s/@?#]+(/[^\s@?#]*)?$"}
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
_WEEKDAY = "(Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_DAYS = f"({_WEEKDAY}(-{_WEEKDAY})?|[1-9][0-9]?(st|nd|rd|th)|last)"
_AT = f"^({_DAYS}(,{_DAYS})* )?{_CLOCK}"
_RANGES: Schema = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "string", "pattern": f"{_AT}-{_CLOCK}$"},
}
"""`at` where each item must be a range."""

_POSITIVE: Schema = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0},
        {"allOf": [DURATION["anyOf"][1], {"pattern": "[1-9]"}]},
    ]
}

_NAMES: Schema = {
    "type": "object",
    "propertyNames": {"pattern": f"^{LABEL_NAME.pattern}$"},
    "additionalProperties": {"type": "string", "minLength": 1},
}

_ASCII: Schema = {"propertyNames": _NAMES["propertyNames"]}

_ASCII_OF_MODULE: Schema = {"properties": {"labels": _ASCII}}

_WITH_UTF8_LABELS: Schema = {
    "required": ["alertmanager"],
    "properties": {
        "alertmanager": {
            "required": ["utf8_labels"],
            "properties": {"utf8_labels": {"const": True}},
        }
    },
}
"""A service file whose labels may have names in UTF-8."""

_LABELS: Schema = {
    **_NAMES,
    "propertyNames": {
        "pattern": r"""^[^\s\d{}!=~,\\"'`][^\s{}!=~,\\"'`]*$""",
        "not": {"enum": sorted(RESERVED_FROM_FILES)},
    },
}

_LEDGER_SIZE: Schema = {
    "anyOf": [{"type": "integer", "minimum": MIN_LEDGER_BYTES}, SIZE["anyOf"][1]]
}

_ADDRESS: Schema = {"type": "string", "pattern": r"^[^\s@<>(),;:]+@[^\s@<>(),;:]+$"}

_NOTATIONS: Mapping[str, Schema] = {
    "after": _POSITIVE,
    "annotations": _NAMES,
    "at": {"type": "array", "items": {"type": "string", "pattern": f"{_AT}(-{_CLOCK})?$"}},
    "clear_after": {"anyOf": [_COUNT, _POSITIVE["anyOf"][1]]},
    "every": {"anyOf": [{"type": "number", "minimum": MIN_INTERVAL}, _POSITIVE["anyOf"][1]]},
    "fire_after": {
        "anyOf": [_COUNT, {"type": "string", "pattern": r"^\s*[0-9]+\s+of\s+[0-9]+\s*$"}]
    },
    "event_types": {"type": "array", "minItems": 1, "items": _TEXT},
    "from_": _ADDRESS,
    "hosts": {"type": "array", "items": _TEXT},
    "labels": _LABELS,
    "listen": {"type": "string", "pattern": r"^$|^([^:\s]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$"},
    "max_batch": _COUNT,
    "max_conditions": _COUNT,
    "max_ledger": _LEDGER_SIZE,
    "min_visible": _POSITIVE,
    "name": {**_TEXT, "not": {"const": "supervisor"}},
    "report_lifetime": _POSITIVE,
    "resend_interval": _POSITIVE,
    "server": {"type": "string", "pattern": r"^([^:\s]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$"},
    "service": _TEXT,
    "stop_grace": _POSITIVE,
    "timeout": _POSITIVE,
    "to": {"type": "array", "minItems": 1, "items": _ADDRESS},
    "urls": {"type": "array", "items": _URL, "uniqueItems": True},
    "username": _TEXT,
}
"""How keys are written whose type alone does not tell it: see `load`."""


class KnownCheck(Protocol):
    """A check, as the schema needs it."""

    @property
    def name(self) -> str:
        """The name by which service files call it."""

    @property
    def params(self) -> type:
        """The attrs class of its parameters."""

    @property
    def doc(self) -> str:
        """What it does. The first line is a summary."""


def document(checks: Iterable[KnownCheck]) -> Schema:
    """Return the schema of a service file that may use these checks, and any dotted path."""
    known = sorted(checks, key=lambda check: check.name)
    schema = _table(
        Service,
        alertmanager=_alertmanager(),
        status=_table(StatusListener),
        fallback=_fallback(),
        maintenance={"type": "array", "items": _table(Maintenance, at=_RANGES, name=_TEXT)},
        modules={"type": "array", "items": {"$ref": "#/definitions/module"}},
    )
    # The machine's own zone is the default.
    schema["required"].remove("timezone")
    params = {f"params_{check.name}": _params(check) for check in known}
    return {
        "$schema": DIALECT,
        "title": "A service file of alertmanager-supervisor",
        **schema,
        "if": _WITH_UTF8_LABELS,
        "else": {"properties": {"labels": _ASCII, "modules": {"items": _ASCII_OF_MODULE}}},
        "definitions": {"module": _module(known), **params},
    }


def _table(cls: type[Any], **instead: Schema) -> Schema:
    return table(cls, **{**_NOTATIONS, **instead})


def _alertmanager() -> Schema:
    schema = _table(Alertmanager)
    schema["dependencies"] = {
        "username": ["password"],
        "password": ["username"],
        "cert_file": ["key_file"],
        "key_file": ["cert_file"],
    }
    return schema


def _fallback() -> Schema:
    mail = _table(FallbackMail)
    mail["dependencies"] = {"username": ["password"], "password": ["username"]}
    argv = {"type": "array", "minItems": 1, "items": {"type": "string"}}
    schema = _table(Fallback, mail=mail, command=_table(FallbackCommand, argv=argv))
    schema["anyOf"] = [{"required": ["mail"]}, {"required": ["command"]}]
    return schema


def _module(checks: Iterable[KnownCheck]) -> Schema:
    names = [check.name for check in checks]
    schema = _table(
        Module,
        during={"type": "array", "items": _table(During, at=_RANGES, params={"type": "object"})},
        check={"anyOf": [{"enum": names}, {"type": "string", "pattern": r"^\w+(\.\w+)+$"}]},
        # The last one accepts all: which one is right is said below. Editors offer these keys.
        params={"anyOf": [*map(_reference, names), {"type": "object"}]},
    )
    schema["required"] = ["check"]  # a name can be left out
    schema["anyOf"] = [{"required": ["every"]}, {"required": ["at"]}]
    schema["allOf"] = [_if_check(check) for check in checks]
    return schema


def _params(check: KnownCheck) -> Schema:
    return {**schema_of(check.params), "description": check.doc.partition("\n")[0]}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/definitions/params_{name}"}


def _if_check(check: KnownCheck) -> Schema:
    """Return the rule that a module with this check has its parameters."""
    required = "required" in schema_of(check.params)
    return {
        "if": {"properties": {"check": {"const": check.name}}, "required": ["check"]},
        "then": {
            "properties": {"params": _reference(check.name)},
            **({"required": ["params"]} if required else {}),
        },
    }
