"""Many alerts wait for a peer: a restart keeps what the bound allows, and each is sent once."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from supervisor.config.service import Alertmanager, Module, Service
from supervisor.delivery.sender import MOST_BYTES
from supervisor.ledger.database import open_ledger
from supervisor.ledger.store import Store
from supervisor.observations import Condition, Run
from supervisor.recorder.update import Draft

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


@pytest.mark.parametrize(("count", "mebibytes", "fits"), [(100_000, 256, True), (20_000, 4, False)])
def test_pending_alerts_survive_a_restart_within_the_bound(
    tmp_path: Path, count: int, mebibytes: int, fits: bool
) -> None:
    settings = service(mebibytes << 20)
    store = Store(settings)
    ledger, _ = open_ledger(tmp_path / "ledger", store, NOW)
    seen = tuple(Condition("Disk usage", "W", f"/srv/{n}", "it is full") for n in range(count))
    draft = Draft(store, NOW)
    draft.record(MODULE, Run("m", NOW, NOW, 0.1, seen), None)
    draft.review()
    ledger.commit(draft.changes)
    ledger.close()

    store = Store(settings)
    ledger, _ = open_ledger(tmp_path / "ledger", store, NOW)
    kept = set(store.alerts)
    sent: list[str] = []
    while batch := store.take_due(PEER, NOW, 0.0, 256, MOST_BYTES):
        for outgoing in batch:
            store.delivered(PEER, outgoing, NOW)
            sent.append(outgoing.alert.fingerprint)
    size = ledger.size()
    ledger.close()

    assert sorted(kept) == sorted(sent)
    assert fits == (len(kept) >= count)
    assert fits == (store.lost.total() == 0)
    assert size <= mebibytes << 20
