"""Which alerts go when the ledger is full, and what the history keeps of past ones. Pure.

Called by the transaction. The order is in docs/reference/ledger.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter

from attrs import evolve

from supervisor.alerts.alert import SUPERVISOR, Alert, State
from supervisor.ledger.cursors import Cursors

HISTORY_LENGTH = 200
"""How many past alerts are kept."""

MAX_HISTORY_BYTES = 32 * 1024
"""Bytes of a past alert's payload. The history keeps a larger one without its detail."""


def rank(cursors: Cursors, alert: Alert) -> int:
    """Return how much an alert counts. Alerts of the lowest rank go first."""
    match alert.state:
        case State.RESOLVED:
            return 0 if cursors.everyone_has(alert) else 1
        case State.OVER:
            return 2
        case State.REPORT:
            return 3
        case _:
            return 4


def victims(cursors: Cursors, alerts: Iterable[Alert], newcomer: Alert) -> Iterator[Alert]:
    """Yield the alerts that may go for a new one: by rank, then the oldest first.

    An alert goes for a new one of the same rank only if every peer has it. A new one that no peer
    knows of counts for more.
    """
    limit = rank(cursors, newcomer)
    groups: list[list[Alert]] = [[] for _ in range(limit + 1)]
    for alert in alerts:
        if alert.module != SUPERVISOR and alert.fingerprint != newcomer.fingerprint:
            found = rank(cursors, alert)
            if found <= limit:
                groups[found].append(alert)
    # Most searches end in the first group. So the others are not sorted before.
    for found, group in enumerate(groups):
        group.sort(key=attrgetter("starts_at"))
        for alert in group:
            if found < limit or cursors.everyone_has(alert):
                yield alert


def belongs_to_history(old: Alert, new: Alert | None) -> bool:
    """Return whether the history keeps an alert that `new` replaces, or that is removed."""
    over = old.state in (State.RESOLVED, State.REPORT)
    return over and (new is None or (old.state is State.RESOLVED and new.episode != old.episode))


def history_entry(alert: Alert) -> Alert:
    """Return what the history keeps of a past alert."""
    if len(alert.payload) <= MAX_HISTORY_BYTES:
        return alert
    return evolve(alert, payload=alert.payload.annotate(detail=""))
