"""What a new configuration would do to the alerts. Nothing is changed, committed or sent.

It lets `reconcile` work in a transaction that is thrown away. No trio, no clock, no disk.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve, frozen

from supervisor.alerts.alert import Alert, Key, State
from supervisor.alerts.self_alerts import RELOAD_FAILED, SelfAlert
from supervisor.config.current import CurrentConfig
from supervisor.config.service import Service
from supervisor.ledger.outbox import Outbox
from supervisor.ledger.transaction import Transaction
from supervisor.recorder.lifecycle import Lifecycle
from supervisor.recorder.reconcile import adapt
from supervisor.recorder.update import Update


@frozen
class Foreseen:
    """What would happen to one alert."""

    before: Alert | None
    """The alert that fires now. None: it would begin to fire."""

    after: Alert | None
    """The alert that would fire then. None: it would be resolved."""


def foresee(outbox: Outbox, service: Service, now: float) -> list[Foreseen]:
    """Return the alerts that another configuration would resolve, relabel or raise, in order."""
    store = evolve(outbox.store, config=CurrentConfig(service))
    transaction = Transaction(store, outbox.cursors, now)
    update = Update(outbox, transaction, Lifecycle(transaction))
    adapt(update)
    update.take_self_alert(SelfAlert(RELOAD_FAILED, None))
    return [*_foreseen(transaction)]


def _foreseen(transaction: Transaction) -> Iterator[Foreseen]:
    begun: dict[tuple[str, Key], Alert] = {}
    ended: dict[tuple[str, Key], Alert] = {}
    for fingerprint, new in transaction.changes.alerts.items():
        old = transaction.store.alerts.get(fingerprint)
        fires, fired = (each is not None and each.state is State.FIRING for each in (new, old))
        if new is not None and fires and not fired:
            begun[new.module, new.key] = new
        elif old is not None and fired and not fires:
            ended[old.module, old.key] = old
    for identity in sorted({*ended, *begun}):
        yield Foreseen(ended.get(identity), begun.get(identity))
