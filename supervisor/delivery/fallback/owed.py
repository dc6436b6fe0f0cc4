"""Which alerts somebody must still be told of. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from supervisor.alerts import timing
from supervisor.alerts.alert import Alert, Cursor, State
from supervisor.delivery.silences.waiting import WaitingSilences
from supervisor.ledger.outbox import Outbox

_TOLD = (State.FIRING, State.OVER, State.REPORT)
"""States of alerts that a peer must be told as firing. Others have ended, or are held."""


def owed(
    outbox: Outbox, event_types: Collection[str], waiting: WaitingSilences, now: float
) -> Iterator[Alert]:
    """Yield the alerts of these types of which no peer has surely notified.

    A peer that took an alert, and stopped before `min_visible`, may not have notified. What waits
    for the first run of its module is not owed yet. What each peer refuses is told otherwise.
    Somebody has silenced what a silence waits for.
    """
    for alert in outbox.store.alerts.values():
        if (
            alert.event_type in event_types
            and alert.state in _TOLD
            and alert.fingerprint not in outbox.unconfirmed
            and not (waiting and waiting.is_silenced(alert.payload.labels, now))
        ):
            cursors = (*outbox.cursors.of(alert.fingerprint),)
            shown_after = outbox.store.service.alertmanager.shown_after
            if not timing.all_reject(alert, cursors) and not any(
                _was_notified(alert, cursor, shown_after) for cursor in cursors
            ):
                yield alert


def _was_notified(alert: Alert, cursor: Cursor | None, shown_after: float) -> bool:
    """Return whether a peer took an alert again, so long after it first took it."""
    since = timing.held_since(alert, cursor)
    return cursor is not None and since is not None and since + shown_after <= cursor.sent_at
