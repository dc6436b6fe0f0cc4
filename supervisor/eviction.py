"""Which alerts go when the ledger is full: the contract's order. Pure; called by the draft."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from supervisor.book import Book
from supervisor.model import SUPERVISOR, Alert, State


def rank(book: Book, alert: Alert) -> int:
    """Return how much an alert counts; those with the lowest rank go first."""
    match alert.state:
        case State.RESOLVED:
            return 0 if _everyone_has(book, alert) else 1
        case State.OVER:
            return 2
        case State.REPORT:
            return 3
        case _:
            return 4


def victims(book: Book, alerts: Iterable[Alert], newcomer: Alert) -> Iterator[Alert]:
    """Yield the alerts that may go for a new one, the least and the oldest first.

    A firing alert goes for a firing one only when every peer has it: a new one that nobody
    knows of counts for more.
    """
    limit = rank(book, newcomer)
    ranked = [
        (rank(book, alert), alert.starts_at, alert)
        for alert in alerts
        if alert.module != SUPERVISOR and alert.fingerprint != newcomer.fingerprint
    ]
    ranked.sort(key=lambda entry: entry[:2])
    for found, _, alert in ranked:
        if found < limit or (found == limit and _everyone_has(book, alert)):
            yield alert


def _everyone_has(book: Book, alert: Alert) -> bool:
    return all(
        cursor is not None and cursor.version == alert.version
        for cursor in book.cursors_of(alert.fingerprint)
    )
