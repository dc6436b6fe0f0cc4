"""What the supervisor itself must know after a restart. The ledger keeps it as that of a module."""

from __future__ import annotations

from collections.abc import Mapping

from supervisor.alerts.alert import NO_RECORD, SUPERVISOR, ModuleRecord
from supervisor.ledger.transaction import Transaction
from supervisor.observations import Json


def remembered(transaction: Transaction) -> Mapping[str, Json]:
    """Return the values by their keys, as they will be."""
    changed = transaction.changes.modules.get(SUPERVISOR)
    return (changed or transaction.store.modules.get(SUPERVISOR, NO_RECORD)).state


def remember(transaction: Transaction, key: str, value: Json) -> None:
    """Keep a value. None deletes it."""
    kept = {name: each for name, each in remembered(transaction).items() if name != key}
    if value is not None:
        kept[key] = value
    transaction.changes.modules[SUPERVISOR] = ModuleRecord(state=kept)
