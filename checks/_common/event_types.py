"""Event types: their order, and the parameter that sets one."""

from __future__ import annotations

from attrs import field

from checks._common.validators import is_event_type

SEVERITIES = ("TE", "E", "W")
"""The only event types that have an order: the most severe comes first."""

CHANNELS = ("I", "S")
"""Event types that say who is told, and not how severe something is."""


def severity_order(event_type: str) -> tuple[int, str]:
    """Return a sort key: the most severe comes first, types without a severity last, by name."""
    if event_type in SEVERITIES:
        return SEVERITIES.index(event_type), ""
    return len(SEVERITIES), event_type


def event_type_field(default: str, when: str) -> str:
    """Return the field of a parameter for the event type of a condition."""
    return field(
        default=default,
        validator=is_event_type,
        metadata={"help": f"the event type {when}"},
    )
