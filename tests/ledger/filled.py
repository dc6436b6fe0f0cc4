"""Ledgers for the tests: filled with alerts, and read again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

from attrs import evolve

from supervisor.alerts.alert import Cursor, ModuleRecord, Sighting
from supervisor.alerts.payload import Payload
from supervisor.config.service import Alertmanager, Service
from supervisor.ledger.changes import Changes
from supervisor.ledger.database import Ledger, open_ledger
from supervisor.ledger.outbox import Outbox
from tests.support.alerts import FIRING

PEER = "http://127.0.0.1:9093"
NOW = 1_000_000_000.0
"""When a ledger is opened, unless a test says otherwise."""

ALERT = evolve(FIRING, fingerprint="f1")


def empty_outbox() -> Outbox:
    settings = Alertmanager(urls=(PEER,))
    return Outbox.of(Service(Path("X"), "X", ZoneInfo("UTC"), alertmanager=settings))


def fill(path: Path, changes: Changes) -> None:
    ledger = Ledger(path)
    ledger.commit(changes)
    ledger.close()


def reread(path: Path) -> Changes:
    opened = open_ledger(path, NOW)
    opened.ledger.close()
    assert opened.aside is None
    return opened.contents


def many() -> Changes:
    """Return changes that fill a few pages of each table."""
    names = [f"f{n}" for n in range(30)]
    return Changes(
        alerts={
            name: evolve(ALERT, fingerprint=name, payload=Payload(b"x" * 200)) for name in names
        },
        sightings={"disk": {("Disk usage", name): Sighting(1, 0, name) for name in names}},
        modules={"disk": ModuleRecord(NOW, {"since": 1})},
        cursors={
            (PEER, name): Cursor(
                version=1, episode=1, sent_at=NOW, ends_at=NOW + 240, held_since=NOW
            )
            for name in names
        },
        history={n + 1: evolve(ALERT, fingerprint=name) for n, name in enumerate(names)},
        lost=Counter(evicted=1),
    )
