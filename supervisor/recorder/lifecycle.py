"""The life of one condition: it fires, is refreshed, gets other labels, and ends.

Called by `update` and `reconcile`. No trio, no clock, no disk. See docs/reference/alerts.md for the
rules.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, evolve

from supervisor.alerts import timing
from supervisor.alerts.alert import NO_LABELS, SUPERVISOR, Alert, Key, Sighting, State
from supervisor.alerts.labels import alert_labels, fingerprint_of, payload_of
from supervisor.alerts.payload import local_time
from supervisor.alerts.self_alerts import MODULE_FAILED
from supervisor.config.service import Module
from supervisor.ledger.transaction import Transaction
from supervisor.observations import Condition
from supervisor.recorder import held, past_events

LAST_CONFIRMED = "last_confirmed"
"""The annotation that says when a condition was last seen. Only failing modules have it."""

SINCE = "since"
"""The annotation that says when a condition fired first. Only one that changed its type has it."""


@define(eq=False, repr=False)
class Lifecycle:
    """Changes the alert of one identity within a transaction."""

    transaction: Transaction
    """Where the changes go."""

    def fire(
        self, module: Module, condition: Condition, key: Key, starts_at: float | None = None
    ) -> Alert | None:
        """Return the alert that now fires, or None when the ledger has no room for it.

        `starts_at` is given for an event that goes on under other labels.
        """
        transaction, group = self.transaction, group_of(module, key)
        if starts_at is None and (window := held.window_of(transaction, module.name)):
            labels = alert_labels(transaction.service, module, condition)
            if not held.is_told(transaction, labels):
                return held.hold(transaction, module, condition, group=group, window=window)
        if starts_at is None and past_events.is_held(transaction, module, key):
            condition = past_events.told_apart(transaction, module, condition)
        labels = alert_labels(transaction.service, module, condition)
        alert = self._new_alert(module, condition, labels, starts_at)
        if group == SUPERVISOR or transaction.make_room(alert):
            seen, _ = module.runs_to_fire
            transaction.put(alert)
            transaction.set_sighting(group, key, Sighting(seen, 0, alert.fingerprint))
            return alert
        transaction.lose("refused")
        if starts_at is not None:
            transaction.set_sighting(group, key, None)
        return None

    def refresh(self, module: Module, condition: Condition, key: Key) -> None:
        """Update the alert of a condition that is still true."""
        transaction, group = self.transaction, group_of(module, key)
        sighting = transaction.sighting(group, key)
        alert = transaction.alert(sighting.fingerprint) if sighting else None
        if alert is not None and alert.state is State.HELD:
            held.refresh(transaction, module, condition, group=group, held=alert)
            return
        if alert is None or alert.state is not State.FIRING:
            if not condition.sustain:
                self.fire(module, condition, key)
            return
        is_kept = alert.event_type in condition.keeps or held.window_of(transaction, module.name)
        alert = self.relabel(module, alert, alert.event_type if is_kept else condition.event_type)
        if alert is None:
            return
        if notes := _lasting_notes(alert):
            condition = evolve(condition, annotations={**notes, **condition.annotations})
        is_past = past_events.is_held(transaction, module, key)
        if is_past and not past_events.is_shown(transaction, alert):
            condition = past_events.joined(alert, condition)
        labels = alert.payload.labels
        payload = payload_of(
            transaction.service, module, condition, labels, starts_at=alert.starts_at
        )
        if payload == alert.payload:
            return
        refreshed = evolve(alert, payload=payload, version=alert.version + 1)
        if group == SUPERVISOR or transaction.make_room(refreshed):
            transaction.put(refreshed)
        else:
            transaction.lose("refused")

    def relabel(self, module: Module, alert: Alert, event_type: str) -> Alert | None:
        """End an alert whose labels have changed, and fire it under the new labels.

        Labels change with the configuration or with the event type. Returns the alert that fires
        now. It is the old one if its labels are still the same.
        """
        condition = held.as_condition(alert, event_type)
        labels = alert_labels(self.transaction.service, module, condition)
        if labels == alert.payload.labels:
            return alert
        if event_type != alert.event_type:
            notes = {SINCE: self._local_time(alert.starts_at), **_lasting_notes(alert)}
            self.transaction.put(self._ended(alert, module))
            return self.fire(module, evolve(condition, annotations=notes), alert.key)
        # The event goes on under the new labels. So the old alert need not be shown before its end.
        self.transaction.put(self.resolved(alert))
        return self.fire(module, condition, alert.key, alert.starts_at)

    def clear(self, group: str, key: Key, module: Module | None = None) -> None:
        """End a condition and remove its sighting. None: its module is gone, or is our own."""
        sighting = self.transaction.sighting(group, key)
        if sighting is None:
            return
        self.transaction.set_sighting(group, key, None)
        alert = self.transaction.alert(sighting.fingerprint)
        if alert is not None and alert.state is State.FIRING:
            self.transaction.put(self._ended(alert, module))
        elif alert is not None and alert.state is State.HELD:
            self.transaction.end_unseen(alert)

    def look_at_held(self, alert: Alert) -> None:
        """Let a held alert go if no window holds it any more. Else look again when that is over."""
        until = held.held_until(self.transaction, alert)
        if until is not None:
            self.transaction.put(evolve(alert, ends_at=until))
        elif alert.is_report:
            self.transaction.put(held.told(self.transaction, alert))
        else:
            self.transaction.remove(alert.fingerprint)
            modules = self.transaction.service.modules
            module = next((each for each in modules if each.name == alert.module), None)
            if module is not None:
                condition = held.as_condition(alert, alert.event_type)
                self.fire(module, condition, alert.key, alert.starts_at)

    def resolved(self, alert: Alert) -> Alert:
        """Return the alert, resolved now."""
        ends_at = max(self.transaction.now, alert.starts_at)
        return evolve(alert, state=State.RESOLVED, ends_at=ends_at, version=alert.version + 1)

    def mark_unconfirmed(self, module: Module, last_success: float | None) -> None:
        """Annotate the alerts of a failing module with the time at which they were last seen."""
        for sighting in self.transaction.sightings(module.name).values():
            alert = self.transaction.alert(sighting.fingerprint)
            if alert is None or alert.state is not State.FIRING:
                continue
            if not alert.payload.has_annotation(LAST_CONFIRMED):
                moment = max(last_success or 0.0, alert.starts_at)
                payload = alert.payload.annotate(**{LAST_CONFIRMED: self._local_time(moment)})
                self.transaction.put(evolve(alert, payload=payload, version=alert.version + 1))

    def raise_self_alert(self, module: Module, condition: Condition) -> None:
        """Fire or refresh an alert about the supervisor itself."""
        key = (condition.alertname, condition.instance)
        if self.transaction.sighting(SUPERVISOR, key) is None:
            self.fire(module, condition, key)
        else:
            self.refresh(module, condition, key)

    def _local_time(self, moment: float) -> str:
        return local_time(moment, self.transaction.service.timezone)

    def _new_alert(
        self,
        module: Module,
        condition: Condition,
        labels: Mapping[str, str],
        starts_at: float | None,
    ) -> Alert:
        fingerprint = fingerprint_of(labels)
        # An alert evicted in this commit still has its cursors. They must not fit the new alert.
        committed = self.transaction.store.alerts.get(fingerprint)
        old = self.transaction.alert(fingerprint) or committed
        episode, folded = (old.episode + 1 if old else 1), 1
        begins = self.transaction.now if starts_at is None else starts_at
        if old is not None and old.state is State.OVER:
            # No peer knows of the past episode. So the two become one.
            episode, folded, begins = old.episode, old.folded + 1, old.starts_at
        return Alert(
            fingerprint=fingerprint,
            module=module.name,
            alertname=condition.alertname,
            event_type=condition.event_type,
            instance=condition.instance,
            state=State.FIRING,
            starts_at=begins,
            ends_at=None,
            payload=payload_of(
                self.transaction.service, module, condition, labels, starts_at=begins
            ),
            frozen_labels=condition.labels or NO_LABELS,
            version=old.version + 1 if old else 1,
            episode=episode,
            folded=folded,
        )

    def _ended(self, alert: Alert, module: Module | None) -> Alert:
        """Return a firing alert after its end: resolved, or over if it must be shown first."""
        cursors, now = self.transaction.cursors.of(alert.fingerprint), self.transaction.now
        is_past = module is not None and past_events.is_held(self.transaction, module, alert.key)
        is_known = timing.was_shown if is_past else timing.was_told
        if is_known(alert, cursors, now, self.transaction.service):
            return self.resolved(alert)
        folded = {"episodes": str(alert.folded)} if alert.folded > 1 else {}
        return evolve(
            alert,
            state=State.OVER,
            ends_at=max(now, alert.starts_at),
            version=alert.version + 1,
            payload=alert.payload.annotate(**folded) if folded else alert.payload,
        )


def _lasting_notes(alert: Alert) -> dict[str, str]:
    """Return the annotations that an alert keeps whatever its check says. Few have any."""
    encoded = alert.payload.encoded
    if b'"since":' not in encoded and b'"held":' not in encoded:
        return {}
    notes = alert.payload.annotations
    return {name: notes[name] for name in (SINCE, held.HELD) if name in notes}


def group_of(module: Module, key: Key) -> str:
    """Return the module that keeps the sighting. A failed run is kept by the supervisor."""
    is_own = module.name == SUPERVISOR or MODULE_FAILED.subject_of(key) == module.name
    return SUPERVISOR if is_own else module.name
