"""What the ledger holds, in memory: the present state of every alert. Changed by the recorder."""

from __future__ import annotations

from collections import Counter

from attrs import define, field

from supervisor.alerts.alert import Alert, Key, ModuleRecord, Sighting
from supervisor.config.current import CurrentConfig
from supervisor.config.service import Service
from supervisor.ledger.changes import Changes

ROW_BYTES = 400
"""Bytes that are counted for an alert besides its payload. They cover indexes and cursors."""


@define(eq=False, repr=False)
class Store:
    """All state that survives the process, except for the cursors."""

    config: CurrentConfig
    """The configuration in force."""

    alerts: dict[str, Alert] = field(factory=dict)
    """The alerts by fingerprint."""

    sightings: dict[str, dict[Key, Sighting]] = field(factory=dict)
    """The sightings by module, then by key."""

    modules: dict[str, ModuleRecord] = field(factory=dict)
    """What is kept of each module, by its name."""

    history: dict[int, Alert] = field(factory=dict)
    """Past alerts, numbered in the order in which they ended."""

    lost: Counter[str] = field(factory=Counter)
    """How many alerts were dropped, by reason."""

    last_loss: float = 0.0
    """When an alert was last dropped, in Unix seconds."""

    bytes: int = 0
    """Bytes that the alerts take of `max_ledger`."""

    @property
    def service(self) -> Service:
        """The values of the service file that is in force."""
        return self.config.service

    def adopt(self, changes: Changes) -> None:
        """Make committed changes the present state. The outbox must requeue them afterwards."""
        for module, changed in changes.sightings.items():
            group = self.sightings.setdefault(module, {})
            for key, sighting in changed.items():
                if sighting is None:
                    group.pop(key, None)
                else:
                    group[key] = sighting
        self.modules |= changes.modules
        self.lost.update(changes.lost)
        for number, past in sorted(changes.history.items()):
            if past is None:
                self.history.pop(number, None)
            else:
                self.history[number] = past
        for fingerprint, alert in changes.alerts.items():
            self._replace(fingerprint, alert)

    def contents(self) -> Changes:
        """Return changes that write the whole store into an empty ledger, without cursors."""
        return Changes(
            alerts=dict(self.alerts),
            sightings={module: dict(group) for module, group in self.sightings.items()},
            modules=dict(self.modules),
            history=dict(self.history),
            lost=Counter(self.lost),
        )

    def _replace(self, fingerprint: str, alert: Alert | None) -> None:
        old = self.alerts.pop(fingerprint, None)
        self.bytes -= cost(old) if old else 0
        if alert is not None:
            self.alerts[fingerprint] = alert
            self.bytes += cost(alert)


def cost(alert: Alert) -> int:
    """Return the bytes that an alert takes of `max_ledger`."""
    return len(alert.payload) + ROW_BYTES
