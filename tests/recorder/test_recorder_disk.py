"""A disk that fails stops nothing, and a torn ledger is replaced by a whole one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import trio
from attrs import define, evolve
from trio.testing import MockClock, wait_all_tasks_blocked

from supervisor.errors import LedgerCorrupt, LedgerError
from supervisor.ledger.changes import Changes
from supervisor.ledger.database import Ledger
from supervisor.observations import Report
from tests.recorder.firing import committed, firing
from tests.support.fake_client import START
from tests.support.ledger_bench import reopened
from tests.support.recorder_bench import ONE, RecorderBench, full, no_threads

__all__ = ["no_threads"]  # a fixture

virtually = pytest.mark.usefixtures("no_threads")

TORN = LedgerCorrupt("cannot write the ledger: database disk image is malformed")
FULL = LedgerError("cannot write the ledger: disk full")


@define
class FailingLedger(Ledger):
    """A real one, until it is told to fail."""

    error: LedgerError | None = None

    def commit(self, changes: Changes) -> None:
        if self.error is not None:
            raise self.error
        super().commit(changes)


@virtually
async def test_a_channel_that_is_closed_while_the_disk_refuses_is_tried_once_more(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE)
    bench.ledger.error = FULL
    nursery.start_soon(bench.recorder.record, bench.receive)
    await bench.see(full())
    bench.ledger.error = None
    bench.send.close()
    await wait_all_tasks_blocked()

    assert {"/", "LedgerUnwritable"} >= committed(bench) >= {"/"}


@virtually
async def test_without_disk_it_runs_on_from_memory_says_so_and_recovers(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    await bench.see(full("/a"))
    bench.ledger.error = FULL
    for second in range(1, 100):
        await bench.until(second)
        await bench.see(full("/a"), full("/b"), *([full("/c")] if second < 50 else []))
    without = (firing(bench), bench.own, committed(bench))
    attempts = bench.ledger.attempts
    sent = bench.clients[ONE].sent("LedgerUnwritable")
    bench.ledger.error = None
    await bench.until(110)

    assert ({"/a", "/b", "LedgerUnwritable"}, {"LedgerUnwritable": ""}, {"/a"}) == without
    assert attempts <= 25  # every five seconds, not for every run
    assert (
        "cannot write the ledger: disk full; alerts are kept in memory"
        in (sent[0][1]["annotations"]["message"])
    )
    assert 1 == sum(record.name == "supervisor.ledger" for record in caplog.records)
    assert 100 == bench.recorder.stats["m"].runs
    assert ({"/a", "/b"}, {}, {"/a", "/b"}) == (firing(bench), bench.own, committed(bench))


@virtually
async def test_a_ledger_that_tears_is_replaced_by_one_with_everything(
    nursery: trio.Nursery, autojump_clock: MockClock, tmp_path: Path
) -> None:
    bench = RecorderBench.make(ONE)
    path = tmp_path / "ledger"
    ledger = bench.recorder.writer.ledger = FailingLedger(path)
    await bench.live(nursery)
    await bench.see(full("/a"), Report("Daily check", "hello"))
    await bench.until(10)
    tear(path)
    ledger.error = TORN
    await bench.see(full("/a"), full("/b"))
    await bench.until(20)

    again, aside = reopened(bench.service, path, START)
    bench.recorder.writer.ledger.close()
    assert aside is None
    assert {"/a", "/b", "", "Daily check"} >= {
        alert.instance for alert in again.store.alerts.values()
    }
    assert 4 == len(again.store.alerts)
    assert {"LedgerCorrupt": ""} == bench.own
    assert again.cursors.known == bench.cursors.known
    assert ["ledger", "ledger.corrupt-20231114T221330Z"] == databases(tmp_path)


@virtually
async def test_a_torn_ledger_is_replaced_as_soon_as_the_disk_allows(
    nursery: trio.Nursery,
    autojump_clock: MockClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = RecorderBench.make(ONE)
    path = tmp_path / "ledger"
    ledger = bench.recorder.writer.ledger = FailingLedger(path)
    await bench.live(nursery)
    await bench.see(full("/a"))
    ledger.error = TORN
    whole = Ledger.commit

    def refuse(ledger: Ledger, changes: object) -> None:
        raise FULL

    monkeypatch.setattr(Ledger, "commit", refuse)
    for second in range(1, 60):
        await bench.until(second)
        await bench.see(full("/a"), full("/b"))
    without = (bench.own, databases(tmp_path))
    monkeypatch.setattr(Ledger, "commit", whole)
    await bench.until(70)

    again, aside = reopened(bench.service, path, START)
    bench.recorder.writer.ledger.close()
    assert ({"LedgerUnwritable": ""}, ["ledger.corrupt-20231114T221321Z"]) == without
    assert (None, {"LedgerCorrupt": ""}) == (aside, bench.own)
    assert {"/a", "/b"} <= {a.instance for a in again.store.alerts.values()}


@virtually
async def test_losses_are_counted_once_when_a_torn_ledger_is_replaced(
    nursery: trio.Nursery, autojump_clock: MockClock, tmp_path: Path
) -> None:
    bench = RecorderBench.make(ONE)
    bench.store.config.service = evolve(bench.service, max_ledger=3000)
    path = tmp_path / "ledger"
    ledger = bench.recorder.writer.ledger = FailingLedger(path)
    await bench.live(nursery)
    ledger.error = FULL
    await bench.see(*(full(f"/{n}") for n in range(20)))
    ledger.error = TORN
    await bench.until(10)

    again, _ = reopened(bench.service, path, START)
    bench.recorder.writer.ledger.close()
    assert bench.store.lost.total() > 0
    assert bench.store.lost == again.store.lost


def databases(directory: Path) -> list[str]:
    names = sorted(path.name for path in directory.iterdir())
    return [name for name in names if not name.endswith(("-wal", "-shm"))]


def tear(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    path.write_bytes(path.read_bytes()[:2048] + b"\xff" * 4096)
