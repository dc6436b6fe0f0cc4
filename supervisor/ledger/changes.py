"""What one commit writes: from the recorder to the ledger, and into the store."""

from __future__ import annotations

from collections import Counter

from attrs import define, field

from supervisor.alerts.alert import Alert, Cursor, Key, ModuleRecord, Sighting


@define
class Changes:
    """Rows to be written. None removes a row."""

    alerts: dict[str, Alert | None] = field(factory=dict)
    """By fingerprint."""

    sightings: dict[str, dict[Key, Sighting | None]] = field(factory=dict)
    """By module, then by key."""

    modules: dict[str, ModuleRecord] = field(factory=dict)
    """By module."""

    cursors: dict[tuple[str, str], Cursor | None] = field(factory=dict)
    """By peer and fingerprint."""

    history: dict[int, Alert | None] = field(factory=dict)
    """Alerts that are over, by number."""

    lost: Counter[str] = field(factory=Counter)
    """Alerts that were dropped, by reason; added to what is already counted."""

    def __bool__(self) -> bool:
        return any(
            (self.alerts, self.sightings, self.modules, self.cursors, self.history, self.lost)
        )

    def update(self, later: Changes) -> None:
        """Take in what a later commit would have written."""
        self.alerts |= later.alerts
        for module, group in later.sightings.items():
            self.sightings.setdefault(module, {}).update(group)
        self.modules |= later.modules
        self.cursors |= later.cursors
        self.history |= later.history
        self.lost.update(later.lost)
