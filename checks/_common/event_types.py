"""The order of event types. Used by the checks that list alerts."""

from __future__ import annotations

SEVERITIES = ("TE", "E", "W")
"""The only event types that have an order: the most severe comes first."""

CHANNELS = ("I", "S")
"""Event types that say who is told, and not how severe something is."""


def severity_order(event_type: str) -> tuple[int, str]:
    """Return a sort key: the most severe comes first, types without a severity last, by name."""
    if event_type in SEVERITIES:
        return SEVERITIES.index(event_type), ""
    return len(SEVERITIES), event_type
