"""Adapt the alerts to a new process, a new configuration, or a clock that was set back.

Called by the daemon at the start, and by the recorder at a reload or when the clock was set. No
trio, no clock, no disk.
"""

from __future__ import annotations

from attrs import evolve

from supervisor.alerts.alert import SUPERVISOR, Alert, State
from supervisor.alerts.self_alerts import (
    ALERT_REJECTED,
    HEARTBEAT,
    RELOAD_FAILED,
    SUPERVISOR_MODULE,
    SelfAlert,
    is_subject_gone,
)
from supervisor.recorder.messages import FALLBACK
from supervisor.recorder.own_state import remember, remembered
from supervisor.recorder.update import Update


def forget_last_process(update: Update) -> None:
    """End what was true only of the process that wrote the ledger."""
    for alert in list(update.transaction.store.alerts.values()):
        if _is_heartbeat(alert):
            _forget_heartbeat(update, alert)
    update.take_self_alert(SelfAlert(RELOAD_FAILED, None))


def reconcile(update: Update) -> None:
    """Adapt all alerts to the clock, and to the configuration that is in force."""
    clock_set_back(update)
    adapt(update)


def adapt(update: Update) -> None:
    """Adapt all alerts to the configuration that is in force."""
    store = update.transaction.store
    modules = {module.name: module for module in store.service.modules if module.enabled}
    for name, group in list(store.sightings.items()):
        if name != SUPERVISOR and name not in modules:
            for key in list(group):
                update.lifecycle.clear(name, key)
    for alert in list(store.alerts.values()):
        if alert.state is State.FIRING and alert.module in modules:
            update.lifecycle.relabel(modules[alert.module], alert, alert.event_type)
        elif _is_unwanted_heartbeat(update, alert):
            _forget_heartbeat(update, alert)
        elif alert.state is State.FIRING and alert.module == SUPERVISOR:
            update.lifecycle.relabel(SUPERVISOR_MODULE, alert, alert.event_type)
    for key in update.transaction.sightings(SUPERVISOR):
        if is_subject_gone(key, modules, store.config.peers):
            update.end_self_alert(key)
    if store.service.fallback is None and FALLBACK in remembered(update.transaction):
        remember(update.transaction, FALLBACK, None)
    _tell_rejected(update)
    if store.service.heartbeat:
        text = "the supervisor is alive; its silence is the alarm"
        update.take_self_alert(SelfAlert(HEARTBEAT, text))


def clock_set_back(update: Update) -> None:
    """Move every time that lies in the future to now.

    A start or an end in the future would keep an alert active after it is over. The times of
    reports are fixed, so they stay.
    """
    transaction, now = update.transaction, update.transaction.now
    update.outbox.forget_future(now)
    for alert in list(transaction.alerts()):
        ends_at = None if alert.ends_at is None else min(alert.ends_at, now)
        starts_at = min(alert.starts_at, now)
        is_ahead = (starts_at, ends_at) != (alert.starts_at, alert.ends_at)
        if is_ahead and alert.state is not State.REPORT:
            version = alert.version + 1
            transaction.put(evolve(alert, starts_at=starts_at, ends_at=ends_at, version=version))


def _is_heartbeat(alert: Alert) -> bool:
    return alert.module == SUPERVISOR and alert.key == HEARTBEAT.key()


def _is_unwanted_heartbeat(update: Update, alert: Alert) -> bool:
    if not _is_heartbeat(alert):
        return False
    is_gone = update.transaction.alert(alert.fingerprint) is None
    return is_gone or not update.transaction.service.heartbeat


def _forget_heartbeat(update: Update, alert: Alert) -> None:
    """Remove a heartbeat. It is never resolved."""
    update.transaction.remove(alert.fingerprint)
    update.transaction.set_sighting(SUPERVISOR, alert.key, None)


def _tell_rejected(update: Update) -> None:
    """Say what is in quarantine: a kill may have come between it and its self-alert."""
    cursors = update.outbox.cursors
    for peer in update.transaction.store.config.peers:
        for fingerprint, cursor in cursors.known.get(peer, {}).items():
            alert = update.transaction.alert(fingerprint) if cursor.rejected else None
            if alert is None or alert.version != cursor.rejected or alert.module == SUPERVISOR:
                continue
            if not update.is_raised(ALERT_REJECTED.key(alert.module)):
                message = (
                    f"{peer} refuses alert {alert.alertname!r} of module {alert.module}; "
                    "it is kept in quarantine and tried again when it changes"
                )
                update.take_self_alert(SelfAlert(ALERT_REJECTED, message, alert.module))
