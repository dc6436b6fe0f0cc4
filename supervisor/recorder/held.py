"""What a maintenance window holds: kept and judged as any other alert, and not sent.

A held condition has a row of its own beside that of an alert with the same labels, whose end the
peers may still have to learn. Called by `lifecycle` and `update`. No trio, no clock, no disk. See
docs/reference/alerts.md for the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import evolve

from supervisor.alerts.alert import NO_LABELS, SUPERVISOR, Alert, Sighting, State
from supervisor.alerts.labels import alert_labels, digest, fingerprint_of, payload_of
from supervisor.config.service import Module
from supervisor.ledger.transaction import Transaction
from supervisor.observations import Condition

if TYPE_CHECKING:
    from supervisor.schedule.windows import Window

HELD = "held"
"""The annotation that names the window."""


def window_of(transaction: Transaction, module: str) -> Window | None:
    """Return the window that holds a module's conditions now. The supervisor's own have none."""
    if not transaction.service.maintenance or module == SUPERVISOR:
        return None
    from supervisor.schedule.windows import holding  # few services have windows

    return holding(transaction.service, module, transaction.now)


def window_of_reports(transaction: Transaction, module: str) -> Window | None:
    """Return the window that holds a module's reports now. Its end lets them go."""
    if not transaction.service.maintenance or module == SUPERVISOR:
        return None
    from supervisor.schedule.windows import under_way  # few services have windows

    return under_way(transaction.service, module, transaction.now)


def is_told(transaction: Transaction, labels: Mapping[str, str]) -> bool:
    """Return whether an alert with these labels is still told as firing. Such a one goes on."""
    alert = transaction.alert(fingerprint_of(labels))
    return alert is not None and alert.is_sent_as_firing


def hold(
    transaction: Transaction,
    module: Module,
    condition: Condition,
    *,
    group: str,
    window: Window,
) -> Alert | None:
    """Return the held alert of a condition that has just begun. None: the ledger has no room."""
    begun = _held(transaction, module, condition, transaction.now, window.maintenance.name)
    begun = evolve(begun, ends_at=window.settled)
    if not _put(transaction, module, begun, group):
        transaction.set_sighting(group, begun.key, None)
        return None
    return begun


def refresh(
    transaction: Transaction, module: Module, condition: Condition, *, group: str, held: Alert
) -> None:
    """Update the held alert of a condition that is still true. It may have other labels now."""
    name = held.payload.annotations.get(HELD, "")
    if held.event_type in condition.keeps:
        condition = evolve(condition, event_type=held.event_type)
    now = _held(transaction, module, condition, held.starts_at, name)
    now = evolve(now, ends_at=held.ends_at, version=held.version)
    if now == held or not _put(transaction, module, evolve(now, version=held.version + 1), group):
        return
    if now.fingerprint != held.fingerprint:
        transaction.remove(held.fingerprint)


def held_until(transaction: Transaction, held: Alert) -> float | None:
    """Return until when an alert is held now, or None if nothing holds it."""
    if held.is_report:
        window = window_of_reports(transaction, held.module)
        return window.end if window else None
    window = window_of(transaction, held.module)
    return window.settled if window else None


def told(transaction: Transaction, held: Alert) -> Alert:
    """Return a held report as it is told now. It keeps its start."""
    ends_at = transaction.now + transaction.service.report_lifetime
    return evolve(held, state=State.REPORT, ends_at=ends_at, version=held.version + 1)


def as_it_is_told(transaction: Transaction, report: Alert) -> Alert:
    """Return a new report, held if a window is open."""
    window = window_of_reports(transaction, report.module)
    if window is None:
        return report
    payload = report.payload.annotate(**{HELD: window.maintenance.name})
    return evolve(report, state=State.HELD, ends_at=window.end, payload=payload)


def as_condition(alert: Alert, event_type: str) -> Condition:
    """Return the condition from which an alert was made, with this type."""
    notes = alert.payload.annotations
    return Condition(
        alertname=alert.alertname,
        event_type=event_type,
        instance=alert.instance,
        message=notes.pop("message"),
        detail=notes.pop("detail", ""),
        labels=alert.frozen_labels,
        annotations=notes,
    )


def _held(
    transaction: Transaction, module: Module, condition: Condition, starts_at: float, name: str
) -> Alert:
    labels = alert_labels(transaction.service, module, condition)
    noted = evolve(condition, annotations={**condition.annotations, HELD: name})
    return Alert(
        fingerprint=digest((fingerprint_of(labels), HELD)),
        module=module.name,
        alertname=condition.alertname,
        event_type=condition.event_type,
        instance=condition.instance,
        state=State.HELD,
        starts_at=starts_at,
        ends_at=None,
        payload=payload_of(transaction.service, module, noted, labels, starts_at=starts_at),
        frozen_labels=condition.labels or NO_LABELS,
    )


def _put(transaction: Transaction, module: Module, alert: Alert, group: str) -> bool:
    """Write a held alert and its sighting. Return False if the ledger has no room."""
    if group != SUPERVISOR and not transaction.make_room(alert):
        transaction.lose("refused")
        return False
    seen, _ = module.runs_to_fire
    transaction.put(alert)
    transaction.set_sighting(group, alert.key, Sighting(seen, 0, alert.fingerprint))
    return True
