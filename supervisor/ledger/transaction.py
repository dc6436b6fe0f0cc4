"""Uncommitted changes over the store, kept within `max_ledger`. Used by the recorder.

No trio, no clock, no disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import define, evolve, field

from supervisor.alerts.alert import Alert, Key, Sighting, State
from supervisor.config.service import Service
from supervisor.ledger import retention
from supervisor.ledger.changes import Changes
from supervisor.ledger.cursors import Cursors
from supervisor.ledger.store import Store, cost

ROOM_TO_FREE = 1 / 20
"""Part of `max_ledger` that is freed beyond what is needed, since a search reads every alert."""


@define(eq=False, repr=False)
class Transaction:
    """The store as it will be once `changes` are committed."""

    store: Store
    """The committed state."""

    cursors: Cursors
    """What the peers took."""

    now: float
    """The time of these changes, in Unix seconds."""

    changes: Changes = field(factory=Changes)
    """What the next commit writes."""

    _growth: int = 0
    """Bytes by which the changes make the alerts grow."""

    _last_number: int = 0
    """The number of the last history entry that this transaction added. 0 before the first."""

    _too_much: dict[int, int] = field(factory=dict)
    """By rank, the bytes that could not be freed. Such a search is not repeated."""

    @property
    def service(self) -> Service:
        """The values of the service file that is in force."""
        return self.store.service

    def alert(self, fingerprint: str) -> Alert | None:
        """Return an alert as it will be."""
        if fingerprint in self.changes.alerts:
            return self.changes.alerts[fingerprint]
        return self.store.alerts.get(fingerprint)

    def alerts(self) -> Iterable[Alert]:
        """Yield all alerts as they will be."""
        changed = self.changes.alerts
        yield from (alert for name, alert in self.store.alerts.items() if name not in changed)
        yield from (alert for alert in changed.values() if alert is not None)

    def put(self, alert: Alert) -> None:
        """Add or replace an alert."""
        self._set(alert.fingerprint, alert)

    def remove(self, fingerprint: str) -> None:
        """Remove an alert."""
        self._set(fingerprint, None)

    def end_unseen(self, alert: Alert) -> None:
        """Remove an alert that no peer has to learn of. The history keeps that it ended now."""
        self.put(evolve(alert, state=State.RESOLVED, ends_at=max(self.now, alert.starts_at)))
        self.remove(alert.fingerprint)

    def sighting(self, module: str, key: Key) -> Sighting | None:
        """Return a sighting as it will be."""
        changed = self.changes.sightings.get(module, {})
        if key in changed:
            return changed[key]
        return self.store.sightings.get(module, {}).get(key)

    def sightings(self, module: str) -> Mapping[Key, Sighting]:
        """Return all sightings of a module as they will be."""
        group = self.store.sightings.get(module, {})
        changed = self.changes.sightings.get(module)
        if not changed:
            return group
        merged = group | changed
        return {key: sighting for key, sighting in merged.items() if sighting is not None}

    def set_sighting(self, module: str, key: Key, sighting: Sighting | None) -> None:
        """Write a sighting, or remove it."""
        self.changes.sightings.setdefault(module, {})[key] = sighting

    def lose(self, reason: str) -> None:
        """Count an alert that is dropped."""
        self.changes.lost[reason] += 1

    def make_room(self, alert: Alert) -> bool:
        """Evict alerts that count less, until this one fits. Return whether it fits."""
        bound = self.service.max_ledger
        old = self.alert(alert.fingerprint)
        needed = cost(alert) - (cost(old) if old else 0)
        excess = self.store.bytes + self._growth + needed - bound
        if needed <= 0 or excess <= 0:
            return True
        rank = retention.rank(self.cursors, alert)
        if excess >= self._too_much.get(rank, excess + 1):
            return False
        chosen, freed = [], 0
        for victim in retention.victims(self.cursors, self.alerts(), alert):
            if freed >= excess + bound * ROOM_TO_FREE:
                break
            chosen.append(victim)
            freed += cost(victim)
        if freed < excess:
            self._too_much[rank] = excess
            return False
        for victim in chosen:
            self._evict(victim)
        return True

    def _evict(self, victim: Alert) -> None:
        if retention.rank(self.cursors, victim) > 0:
            self.lose("evicted")
        self.remove(victim.fingerprint)
        if victim.state in (State.FIRING, State.HELD):
            sighting = self.sighting(victim.module, victim.key)
            if sighting is not None and sighting.fingerprint == victim.fingerprint:
                self.set_sighting(victim.module, victim.key, None)

    def _set(self, fingerprint: str, alert: Alert | None) -> None:
        old = self.alert(fingerprint)
        self._growth += (cost(alert) if alert else 0) - (cost(old) if old else 0)
        if old is not None and retention.belongs_to_history(old, alert):
            self._remember(old)
        self.changes.alerts[fingerprint] = alert

    def _remember(self, past: Alert) -> None:
        self._last_number = number = 1 + (self._last_number or max(self.store.history, default=0))
        self.changes.history[number] = retention.history_entry(past)
        self.changes.history[number - retention.HISTORY_LENGTH] = None
