"""The store with uncommitted changes laid over it, kept within `max_ledger`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import define, field

from supervisor.alerts import payload
from supervisor.alerts.alert import Alert, Sighting, State
from supervisor.alerts.hysteresis import Key
from supervisor.alerts.labels import alert_annotations
from supervisor.config.service import Module
from supervisor.ledger import retention
from supervisor.ledger import retention as ledger_retention
from supervisor.ledger.store import Changes, Store, cost
from supervisor.observations import Condition, Report


@define
class Overlay:
    """What the store will be once `changes` are committed, worked out at `now` (Unix seconds)."""

    store: Store
    now: float
    changes: Changes = field(factory=Changes)
    _growth: int = 0
    _past: int = 0
    _in_vain: dict[int, int] = field(factory=dict)

    def _make_room(self, alert: Alert) -> bool:
        """Evict what counts less than the alert until it fits; return whether it does."""
        bound = self.store.service.max_ledger
        old = self._alert(alert.fingerprint)
        needed = cost(alert) - (cost(old) if old else 0)
        excess = self.store.bytes + self._growth + needed - bound
        if needed <= 0 or excess <= 0:
            return True
        # A search looks at every alert: it is not repeated for what has just been found in vain,
        # and frees more than is needed.
        limit = retention.rank(self.store, alert)
        if excess >= self._in_vain.get(limit, excess + 1):
            return False
        chosen, freed = [], 0
        for victim in retention.victims(self.store, self._alerts(), alert):
            if freed >= excess + bound // 20:
                break
            chosen.append(victim)
            freed += cost(victim)
        if freed < excess:
            self._in_vain[limit] = excess
            return False
        for victim in chosen:
            self._evict(victim)
        return True

    def _evict(self, victim: Alert) -> None:
        if retention.rank(self.store, victim) > 0:
            self._lose("evicted")
        self._set(victim.fingerprint, None)
        key = (victim.alertname, victim.instance)
        if victim.state is State.FIRING and self._sighting(victim.module, key):
            self._see(victim.module, key, None)

    def _lose(self, reason: str) -> None:
        self.changes.lost[reason] += 1

    def _alert(self, fingerprint: str) -> Alert | None:
        if fingerprint in self.changes.alerts:
            return self.changes.alerts[fingerprint]
        return self.store.alerts.get(fingerprint)

    def _alerts(self) -> Iterable[Alert]:
        changed = self.changes.alerts
        yield from (alert for name, alert in self.store.alerts.items() if name not in changed)
        yield from (alert for alert in changed.values() if alert is not None)

    def _sighting(self, group: str, key: Key) -> Sighting | None:
        changed = self.changes.sightings.get(group, {})
        if key in changed:
            return changed[key]
        return self.store.sightings.get(group, {}).get(key)

    def _group(self, module: str) -> Mapping[Key, Sighting]:
        group = self.store.sightings.get(module, {})
        changed = self.changes.sightings.get(module)
        if not changed:
            return group
        laid_over = group | changed
        return {key: sighting for key, sighting in laid_over.items() if sighting is not None}

    def _see(self, group: str, key: Key, sighting: Sighting | None) -> None:
        self.changes.sightings.setdefault(group, {})[key] = sighting

    def _put(self, alert: Alert) -> None:
        self._set(alert.fingerprint, alert)

    def _set(self, fingerprint: str, alert: Alert | None) -> None:
        old = self._alert(fingerprint)
        self._growth += (cost(alert) if alert else 0) - (cost(old) if old else 0)
        if old is not None and ledger_retention.is_past(old, alert):
            self._remember_past(old)
        self.changes.alerts[fingerprint] = alert

    def _remember_past(self, alert: Alert) -> None:
        self._past = number = 1 + (self._past or max(self.store.history, default=0))
        self.changes.history[number] = ledger_retention.entry(alert)
        self.changes.history[number - ledger_retention.MOST] = None

    def _body(
        self,
        module: Module,
        observation: Condition | Report,
        labels: Mapping[str, str],
        starts_at: float,
    ) -> bytes:
        service = self.store.service
        notes = alert_annotations(service, module, observation, starts_at)
        return payload.encode(labels, notes, service.status.external_url)
