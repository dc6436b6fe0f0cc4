"""Go on where the last process has ended. Called by the daemon at the start."""

from __future__ import annotations

from logging import getLogger

from supervisor.alerts.self_alerts import LEDGER_CORRUPT, SelfAlert
from supervisor.errors import LedgerError
from supervisor.ledger.database import Opened
from supervisor.ledger.outbox import Outbox
from supervisor.recorder.reconcile import forget_last_process, reconcile
from supervisor.recorder.update import Update
from supervisor.recorder.writer import Writer

_log = getLogger("supervisor")


def resume(opened: Opened, outbox: Outbox, writer: Writer, now: float) -> None:
    """Adapt the restored alerts to this process and its configuration, and commit that.

    `now` is in Unix seconds.
    """
    update = Update.begin(outbox, now)
    forget_last_process(update)
    reconcile(update)
    corrupt = None
    if opened.aside is not None:
        corrupt = (
            f"the ledger was corrupt and was set aside as {opened.aside.name}; a new one is begun"
        )
        _log.error("%s", corrupt)
    update.take_self_alert(SelfAlert(LEDGER_CORRUPT, corrupt))
    update.changes.cursors |= outbox.cursors.take_unsaved()
    try:
        opened.ledger.commit(update.changes)
    except LedgerError:
        # The recorder tries again at once. It raises an alert if that fails, too.
        writer.owed.update(update.changes)
    outbox.store.adopt(update.changes)
    outbox.requeue(update.changes.alerts)
    outbox.await_confirmation(now)
