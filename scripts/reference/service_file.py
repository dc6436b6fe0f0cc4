"""The tables of docs/reference/service-file.md."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.reference import values
from scripts.reference.markdown import table
from supervisor.config import schema_text
from supervisor.config.fallback.fallback import Fallback, FallbackCommand, FallbackMail
from supervisor.config.json_schema.document import document
from supervisor.config.service import (
    Alertmanager,
    During,
    Maintenance,
    Module,
    Service,
    StatusListener,
)

CLASSES = {
    "service": Service,
    "alertmanager": Alertmanager,
    "status": StatusListener,
    "fallback": Fallback,
    "fallback.mail": FallbackMail,
    "fallback.command": FallbackCommand,
    "maintenance": Maintenance,
    "module": Module,
    "during": During,
}
"""The tables of a service file, and their classes."""

SIZES = ("max_ledger",)
"""Numbers of bytes that may also be written as text."""

DEFAULTS = {
    ("service", "timezone"): "the machine's",
    ("module", "name"): "`check`",
}
"""Defaults that `load` fills in."""


def keys(name: str) -> Iterator[str]:
    """Yield the table of the keys of one table."""
    schema = document(())
    places = {
        "service": schema,
        "module": schema["definitions"]["module"],
        "during": schema["definitions"]["module"]["properties"]["during"]["items"],
        "maintenance": schema["properties"]["maintenance"]["items"],
        "fallback.mail": schema["properties"]["fallback"]["properties"]["mail"],
        "fallback.command": schema["properties"]["fallback"]["properties"]["command"],
    }
    properties = (places.get(name) or schema["properties"][name])["properties"]
    rows = []
    for key in schema_text.keys(CLASSES[name]):
        if key.name != "params" and not any(values.inner_tables(key.type)):  # told elsewhere
            cells = values.row(
                key, properties[schema_text.key_name(key)], DEFAULTS.get((name, key.name), "")
            )
            if key.name in SIZES:
                cells = (cells[0], cells[1].replace("integer", "size"), *cells[2:])
            rows.append(cells)
    yield from table(values.HEAD, rows)
