"""The life of one condition: fired, refreshed, moved to other labels, held, ended. Pure."""

from __future__ import annotations

from attrs import define, evolve

from supervisor.alerts import payload, timing
from supervisor.alerts.alert import SUPERVISOR, Alert, Sighting, State
from supervisor.alerts.hysteresis import Key
from supervisor.alerts.labels import alert_labels, fingerprint_of
from supervisor.alerts.self_alerts import failure_name
from supervisor.config.service import Module
from supervisor.ledger.transaction import Overlay
from supervisor.observations import Condition


@define
class Episodes(Overlay):
    """What becomes of the alert of one identity, as changes."""

    def _fire(
        self, module: Module, condition: Condition, key: Key, starts_at: float | None = None
    ) -> Alert | None:
        """Return the alert that now fires, or None when the ledger has no room for it."""
        group = self._group_of(module, key)
        labels = alert_labels(self.store.service, module, condition)
        fingerprint = fingerprint_of(labels)
        # Of what is evicted in this same commit the cursors stay: they must not fit the new one.
        old = self._alert(fingerprint) or self.store.alerts.get(fingerprint)
        alert = Alert(
            fingerprint=fingerprint,
            module=module.name,
            alertname=condition.alertname,
            event_type=condition.event_type,
            instance=condition.instance,
            state=State.FIRING,
            starts_at=self.now if starts_at is None else starts_at,
            ends_at=None,
            body=b"",
            frozen_labels=condition.labels,
            version=old.version + 1 if old else 1,
            episode=old.episode + 1 if old else 1,
        )
        if old is not None and old.state is State.OVER:
            # Nobody was told of the past episode yet: the two become one.
            alert = evolve(
                alert, starts_at=old.starts_at, episode=old.episode, folded=old.folded + 1
            )
        alert = evolve(alert, body=self._body(module, condition, labels, alert.starts_at))
        if group == SUPERVISOR or self._make_room(alert):
            self._put(alert)
            self._see(group, key, Sighting(module.fire_after, 0, fingerprint))
            return alert
        self._lose("refused")
        if starts_at is not None:
            self._see(group, key, None)
        return None

    def _refresh(self, module: Module, condition: Condition, key: Key) -> None:
        group = self._group_of(module, key)
        sighting = self._sighting(group, key)
        alert = self._alert(sighting.fingerprint) if sighting else None
        if alert is None or alert.state is not State.FIRING:
            self._fire(module, condition, key)
            return
        alert = self._relabel(module, alert, condition.event_type)
        if alert is None:
            return
        labels, _, _ = payload.decode(alert.body)
        body = self._body(module, condition, labels, alert.starts_at)
        if body == alert.body:
            return
        refreshed = evolve(alert, body=body, version=alert.version + 1)
        if group == SUPERVISOR or self._make_room(refreshed):
            self._put(refreshed)
        else:
            self._lose("refused")

    def _relabel(self, module: Module, alert: Alert, event_type: str) -> Alert | None:
        """Fire under new labels what the configuration or its type has given another identity.

        Returns the alert that fires now, which is the old one when its labels stay the same.
        """
        labels, notes, _ = payload.decode(alert.body)
        condition = Condition(
            alert.alertname,
            event_type,
            alert.instance,
            notes.pop("message"),
            notes.pop("detail", ""),
            alert.frozen_labels,
            notes,
        )
        if alert_labels(self.store.service, module, condition) == labels:
            return alert
        same_event = event_type == alert.event_type
        key = (alert.alertname, alert.instance)
        # Under its new labels the event goes on: nobody need be told of the old ones.
        self._put(self._resolved(alert) if same_event else self._ended(alert))
        if not same_event:
            condition = evolve(condition, annotations={})
        return self._fire(module, condition, key, alert.starts_at if same_event else None)

    def _clear(self, group: str, key: Key) -> None:
        sighting = self._sighting(group, key)
        if sighting is None:
            return
        self._see(group, key, None)
        alert = self._alert(sighting.fingerprint)
        if alert is not None and alert.state is State.FIRING:
            self._put(self._ended(alert))

    def _ended(self, alert: Alert) -> Alert:
        """Return a firing alert as its end leaves it: resolved, or over if nobody took it."""
        cursors = self.store.cursors_of(alert.fingerprint)
        if timing.was_told(alert, cursors, self.now, self.store.service):
            return self._resolved(alert)
        folded = {"episodes": str(alert.folded)} if alert.folded > 1 else {}
        return evolve(
            alert,
            state=State.OVER,
            ends_at=max(self.now, alert.starts_at),
            version=alert.version + 1,
            body=payload.annotate(alert.body, **folded) if folded else alert.body,
        )

    def _resolved(self, alert: Alert) -> Alert:
        ends_at = max(self.now, alert.starts_at)
        return evolve(alert, state=State.RESOLVED, ends_at=ends_at, version=alert.version + 1)

    def _hold(self, module: Module, last_success: float | None) -> None:
        """Say of the module's conditions when they were last seen to be true."""
        for sighting in self._group(module.name).values():
            alert = self._alert(sighting.fingerprint)
            if alert is not None and alert.state is State.FIRING:
                moment = max(last_success or 0.0, alert.starts_at)
                confirmed = payload.local_time(moment, self.store.service.timezone)
                body = payload.annotate(alert.body, last_confirmed=confirmed)
                if body != alert.body and b'"last_confirmed"' not in alert.body:
                    self._put(evolve(alert, body=body, version=alert.version + 1))

    def _group_of(self, module: Module, key: Key) -> str:
        """Return whose sightings a condition is among: a failed run is the supervisor's own."""
        own = module.name == SUPERVISOR or key[0] == failure_name(module.name)
        return SUPERVISOR if own else module.name
