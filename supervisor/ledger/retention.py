"""Which alerts go when the ledger is full: the contract's order. Pure; called by the draft."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter

from attrs import evolve

from supervisor.alerts import payload
from supervisor.alerts.alert import SUPERVISOR, Alert, State
from supervisor.ledger.store import Store


def rank(store: Store, alert: Alert) -> int:
    """Return how much an alert counts; those with the lowest rank go first."""
    match alert.state:
        case State.RESOLVED:
            return 0 if _everyone_has(store, alert) else 1
        case State.OVER:
            return 2
        case State.REPORT:
            return 3
        case _:
            return 4


def victims(store: Store, alerts: Iterable[Alert], newcomer: Alert) -> Iterator[Alert]:
    """Yield the alerts that may go for a new one, the least and the oldest first.

    A firing alert goes for a firing one only when every peer has it: a new one that nobody
    knows of counts for more.
    """
    limit = rank(store, newcomer)
    groups: list[list[Alert]] = [[] for _ in range(limit + 1)]
    for alert in alerts:
        if alert.module != SUPERVISOR and alert.fingerprint != newcomer.fingerprint:
            found = rank(store, alert)
            if found <= limit:
                groups[found].append(alert)
    # Most searches end in the first group: the others need no sorting.
    for found, group in enumerate(groups):
        group.sort(key=attrgetter("starts_at"))
        for alert in group:
            if found < limit or _everyone_has(store, alert):
                yield alert


def _everyone_has(store: Store, alert: Alert) -> bool:
    for peer in store.peers:
        cursor = store.cursors.get(peer, {}).get(alert.fingerprint)
        if cursor is None or cursor.version != alert.version:
            return False
    return True


MOST = 200
"""So many past alerts are kept."""

LONGEST_BODY = 32 * 1024
"""Bytes of a body beyond which its detail is not kept: the history is small beside the ledger."""


def is_past(old: Alert, new: Alert | None) -> bool:
    """Return whether an alert that is being replaced belongs to the past: told, and over."""
    over = old.state in (State.RESOLVED, State.REPORT)
    return over and (new is None or (old.state is State.RESOLVED and new.episode != old.episode))


def entry(alert: Alert) -> Alert:
    """Return what is kept of it."""
    if len(alert.body) <= LONGEST_BODY:
        return alert
    return evolve(alert, body=payload.annotate(alert.body, detail=""))
