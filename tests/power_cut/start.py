"""Starts the product's own code on a state directory, in this process and without its tasks."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from supervisor.config.service import Service
from supervisor.daemon.resume import resume
from supervisor.host.clock import Clock
from supervisor.host.lock import locked
from supervisor.host.state_dir import LEDGER_NAME
from supervisor.ledger.changes import Changes
from supervisor.ledger.database import Opened, open_ledger
from supervisor.ledger.outbox import Outbox
from supervisor.recorder.writer import Writer


class NotWhole(Exception):
    """The ledger was set aside, or could not be written."""


def start(state: Path, service: Service, now: float) -> Changes:
    """Open the ledger and go on where the last process has ended. Return what was found.

    Raises `NotWhole` or `LedgerError`.
    """
    with locked(state) as lock:
        opened = open_ledger(state / LEDGER_NAME, now)
        _require_not_aside(opened)
        found = opened.contents
        outbox = Outbox.of(service)
        outbox.restore(opened.contents)
        writer = Writer(opened.ledger, outbox, Clock(), lock)
        resume(opened, outbox, writer, now)
        opened.ledger.close()
    if writer.owed:
        raise NotWhole("the start could not write the ledger")
    return found


def read(state: Path) -> Changes:
    """Return what the ledger holds. Raises `NotWhole` or `LedgerError`."""
    opened = open_ledger(state / LEDGER_NAME, 0.0)
    opened.ledger.close()
    _require_not_aside(opened)
    with closing(sqlite3.connect(state / LEDGER_NAME)) as connection:
        (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise NotWhole(f"the ledger is damaged: {verdict}")
    return opened.contents


def _require_not_aside(opened: Opened) -> None:
    if opened.aside is not None:
        raise NotWhole(f"the ledger was set aside as {opened.aside.name}")
