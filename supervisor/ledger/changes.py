"""What one commit writes. The recorder makes it; the ledger and the store take it over."""

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
    """Past alerts, by number."""

    lost: Counter[str] = field(factory=Counter)
    """How many alerts were dropped, by reason. Added to the counts that are there."""

    def __bool__(self) -> bool:
        return bool(self.modules) or self.concern_alerts

    @property
    def concern_alerts(self) -> bool:
        """Whether anything but what modules keep from run to run is written."""
        return any((self.alerts, self.sightings, self.cursors, self.history, self.lost))

    def update(self, later: Changes) -> None:
        """Add later changes, so that one commit writes both."""
        self.alerts |= later.alerts
        for module, group in later.sightings.items():
            self.sightings.setdefault(module, {}).update(group)
        self.modules |= later.modules
        self.cursors |= later.cursors
        self.history |= later.history
        self.lost.update(later.lost)
