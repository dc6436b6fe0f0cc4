"""Many alerts wait for a peer: a restart keeps what the bound allows, and each is sent once."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from supervisor.config.service import Alertmanager, Module, Service
from supervisor.delivery.pace import MAX_BATCH_BYTES
from supervisor.ledger.database import Ledger, open_ledger
from supervisor.ledger.outbox import Outbox
from supervisor.observations import Condition, Run
from supervisor.recorder.update import Update

NOW = 1_700_000_000.0
PEER = "http://127.0.0.1:9093"
MODULE = Module("fake", "m", at=("00:00",), max_conditions=100_000)


def service(max_ledger: int) -> Service:
    return Service(
        Path("X.toml"),
        "X",
        ZoneInfo("UTC"),
        labels={"host": "h"},
        max_ledger=max_ledger,
        alertmanager=Alertmanager(urls=(PEER,)),
        modules=(MODULE,),
    )


@pytest.mark.parametrize(("count", "mebibytes", "fits"), [(30_000, 256, True), (20_000, 4, False)])
def test_pending_alerts_survive_a_restart_within_the_bound(
    tmp_path: Path, count: int, mebibytes: int, fits: bool
) -> None:
    settings = service(mebibytes << 20)
    ledger, outbox = Ledger(tmp_path / "ledger"), Outbox.of(settings)
    seen = tuple(Condition("Disk usage", "W", f"/srv/{n}", "it is full") for n in range(count))
    update = Update.begin(outbox, NOW)
    update.record(
        MODULE, Run(module="m", scheduled=NOW, started=NOW, seconds=0.1, observations=seen), None
    )
    update.end_stale_self_alerts()
    ledger.commit(update.changes)
    ledger.close()

    opened, outbox = open_ledger(tmp_path / "ledger", NOW), Outbox.of(settings)
    outbox.restore(opened.contents)
    kept = set(outbox.store.alerts)
    sent: list[str] = []
    while batch := outbox.take_due(PEER, NOW, 0.0, max_alerts=256, max_bytes=MAX_BATCH_BYTES):
        for outgoing in batch:
            outbox.delivered(PEER, outgoing, NOW)
            sent.append(outgoing.alert.fingerprint)
    size = opened.ledger.size()
    opened.ledger.close()

    assert sorted(kept) == sorted(sent)
    assert fits == (len(kept) >= count)
    assert fits == (outbox.store.lost.total() == 0)
    assert size <= mebibytes << 20
