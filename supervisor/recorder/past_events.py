"""Conditions that tell what happened in the past, such as a line in a log.

A later run does not see such a condition any more, although the event is as true as before. So its
alert is held until a peer has surely notified of it. Called by `lifecycle`. No trio, no clock, no
disk. See docs/reference/alerts.md for the rules.
"""

from __future__ import annotations

from attrs import evolve

from supervisor.alerts import timing
from supervisor.alerts.alert import Alert, Key, State
from supervisor.alerts.hysteresis import merge
from supervisor.alerts.labels import alert_labels, fingerprint_of
from supervisor.config.service import Module
from supervisor.ledger.transaction import Transaction
from supervisor.observations import Condition

EPISODE = "episode"
"""The label that tells an event from one whose alert the peers still have: "2", "3", …"""

MAX_EPISODES = 20
"""Alerts of one identity that the peers have at the same time, at most."""


def is_held(transaction: Transaction, module: Module, key: Key) -> bool:
    """Return whether the alert of this condition is held after its end."""
    return key[0] in module.past_events and bool(transaction.service.alertmanager.urls)


def told_apart(transaction: Transaction, module: Module, condition: Condition) -> Condition:
    """Return a condition whose alert the peers notify of, though they have the one of before.

    A peer notifies of an alert once, and of each alert that is new to it. So an event gets the
    label `episode` while the peers have an earlier one of the same identity. No peer has been told
    of an alert that waits to be delivered. Then both events become that one.
    """
    for number in range(1, MAX_EPISODES + 1):
        episode = {EPISODE: str(number)} if number > 1 else {}
        found = evolve(condition, labels={**condition.labels, **episode})
        labels = alert_labels(transaction.service, module, found)
        old = transaction.alert(fingerprint_of(labels))
        if old is None or not _is_known(transaction, old):
            return found if old is None or old.state is not State.OVER else joined(old, found)
    return condition


def joined(alert: Alert, condition: Condition) -> Condition:
    """Return the condition with the messages and details that its alert already has."""
    notes = alert.payload.annotations
    earlier = evolve(
        condition, message=notes.get("message", ""), detail=notes.get("detail", ""), annotations={}
    )
    return merge(earlier, condition)


def is_shown(transaction: Transaction, alert: Alert) -> bool:
    """Return whether a peer has held the alert for so long that it has surely notified of it."""
    cursors = transaction.cursors.of(alert.fingerprint)
    return timing.was_shown(alert, cursors, transaction.now, transaction.service)


def _is_known(transaction: Transaction, alert: Alert) -> bool:
    """Return whether a peer may not notify when this alert fires again."""
    cursors = transaction.cursors.of(alert.fingerprint)
    if not timing.was_taken(alert, cursors, transaction.service):
        return False
    if alert.state is State.RESOLVED:
        # It must have notified of the end before it notifies of the next beginning.
        ended = timing.ends_at(alert) + transaction.service.alertmanager.shown_after
        return transaction.now < ended
    return alert.state is State.OVER
