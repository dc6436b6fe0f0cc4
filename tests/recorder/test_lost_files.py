"""A disk that hangs, files that vanish, a second supervisor: it goes on, and says so."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from supervisor.errors import LedgerError, LedgerUnwritable
from supervisor.host.lock import Lock, locked
from supervisor.ledger.changes import Changes
from supervisor.ledger.database import Ledger
from supervisor.ledger.outbox import Outbox
from supervisor.recorder import writer as writer_module
from supervisor.recorder.messages import Ping
from supervisor.recorder.writer import LOOK_INTERVAL, RETRY_DELAY, WARNING_INTERVAL, Writer
from tests.host.test_lock import holder
from tests.support.alerts import FIRING
from tests.support.fake_client import START
from tests.support.ledger_bench import reopened, service_of
from tests.support.recorder_bench import ONE, RecorderBench, eventually, full, no_threads
from tests.support.virtual_clock import FrozenClock

__all__ = ["no_threads"]  # a fixture

virtually = pytest.mark.usefixtures("no_threads")
starts_another = pytest.mark.may_block("it starts another process and waits for it")


def changed(name: str) -> Changes:
    return Changes({name: evolve(FIRING, fingerprint=name)})


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[Lock]:
    with locked(tmp_path / "state") as lock:
        yield lock


@pytest.fixture
def writer(lock: Lock) -> Iterator[Writer]:
    """A writer with a real ledger."""
    ledger = Ledger(lock.directory / "ledger")
    writer = Writer(ledger, Outbox.of(service_of()), FrozenClock(START), lock)
    yield writer
    writer.ledger.close()


async def see(writer: Writer, name: str, *, urgent: bool = False) -> bool:
    """Commit and publish an alert, as the recorder does."""
    changes = changed(name)
    try:
        return await writer.commit(changes, urgent=urgent)
    finally:
        writer.outbox.store.adopt(changes)


def on_disk(writer: Writer) -> set[str]:
    again, aside = reopened(service_of(), writer.ledger.path, START)
    assert aside is None
    return set(again.store.alerts)


@virtually
async def test_what_was_committed_is_written_again_when_the_directory_vanishes(
    writer: Writer, lock: Lock, autojump_clock: MockClock
) -> None:
    await see(writer, "a")
    shutil.rmtree(lock.directory)
    assert await see(writer, "b")

    assert on_disk(writer) == {"a", "b"}
    assert lock.is_held()
    said = writer.take_replacement()
    assert said.endswith("a new one was written from memory, nothing was lost")
    assert "ledger-wal was removed by another program" in said


@virtually
async def test_files_that_vanish_are_noticed_although_nothing_changes(
    writer: Writer, autojump_clock: MockClock
) -> None:
    await see(writer, "a")
    writer.ledger.path.unlink()
    assert not await writer.commit(Changes(), urgent=False)
    await trio.sleep(LOOK_INTERVAL)
    assert await writer.commit(Changes(), urgent=False)

    assert on_disk(writer) == {"a"}


@virtually
async def test_an_old_copy_in_place_of_the_ledger_is_set_aside(
    writer: Writer, autojump_clock: MockClock, tmp_path: Path
) -> None:
    await see(writer, "a")
    with (
        closing(sqlite3.connect(writer.ledger.path)) as ledger,
        closing(sqlite3.connect(tmp_path / "copy")) as copy,
    ):
        ledger.backup(copy)
    await see(writer, "b")
    (tmp_path / "copy").rename(writer.ledger.path)
    assert await see(writer, "c")

    assert on_disk(writer) == {"a", "b", "c"}
    assert "ledger was replaced by another program; it was set aside as ledger.corrupt-" in (
        writer.take_replacement()
    )


@virtually
async def test_a_directory_that_cannot_be_made_again_is_tried_until_it_can(
    writer: Writer, lock: Lock, autojump_clock: MockClock
) -> None:
    await see(writer, "a")
    shutil.rmtree(lock.directory)
    lock.directory.touch()
    for _ in range(3):
        with pytest.raises(LedgerError, match="cannot write the ledger"):
            await see(writer, "b", urgent=True)
    lock.directory.unlink()
    await trio.sleep(RETRY_DELAY)
    assert await writer.commit(Changes(), urgent=False)

    assert on_disk(writer) == {"a", "b"}


@virtually
@starts_another
async def test_beside_a_second_supervisor_nothing_is_written_until_it_has_gone(
    writer: Writer, lock: Lock, autojump_clock: MockClock
) -> None:
    await see(writer, "a")
    lock.path.unlink()
    with holder(lock.directory) as other:
        await trio.sleep(LOOK_INTERVAL)
        for name in ("b", "c"):
            with pytest.raises(LedgerUnwritable, match=f"process {other.pid} holds the state"):
                await see(writer, name, urgent=True)
        assert on_disk(writer) == {"a"}
    await trio.sleep(RETRY_DELAY)
    assert await writer.commit(Changes(), urgent=False)

    assert on_disk(writer) == {"a", "b", "c"}
    assert f"another supervisor has used {lock.directory}" in writer.take_replacement()


@virtually
async def test_a_lock_that_was_removed_is_held_again(
    writer: Writer, lock: Lock, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    await see(writer, "a")
    lock.path.unlink()
    await trio.sleep(LOOK_INTERVAL)
    assert await writer.commit(Changes(), urgent=False)

    assert lock.is_held()
    assert "was removed or replaced; it is held again" in caplog.text
    assert writer.take_replacement() == ""


@virtually
@starts_another
async def test_a_lock_that_another_has_held_for_a_moment_means_another_ledger(
    writer: Writer, lock: Lock, autojump_clock: MockClock
) -> None:
    await see(writer, "a")
    lock.path.unlink()
    with holder(lock.directory):
        pass
    await trio.sleep(LOOK_INTERVAL)
    assert await writer.commit(Changes(), urgent=False)

    assert "another supervisor may have used" in writer.take_replacement()
    assert on_disk(writer) == {"a"}


@virtually
async def test_a_log_that_a_reader_keeps_long_is_told_some_times_an_hour(
    writer: Writer,
    autojump_clock: MockClock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writer.outbox.store.config.service = evolve(writer.outbox.store.service, max_ledger=1000)
    monkeypatch.setattr(writer_module, "MAX_WAL_BYTES", 0)
    await see(writer, "a")
    with closing(sqlite3.connect(writer.ledger.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM alerts").fetchone()
        for number in range(round(2 * WARNING_INTERVAL / LOOK_INTERVAL)):
            await trio.sleep(LOOK_INTERVAL)
            assert await see(writer, f"b{number}")
    held = writer.size
    await trio.sleep(LOOK_INTERVAL)
    assert await see(writer, "c")

    assert caplog.text.count("another program reads it") == 2
    assert writer.size < held


async def test_a_disk_that_hangs_stops_nothing_and_gets_what_it_is_owed(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "COMMIT_TIMEOUT", 0.05)
    monkeypatch.setattr(writer_module, "RETRY_DELAY", 0.05)
    bench = await RecorderBench.started(nursery, ONE)
    go = threading.Event()

    def hang() -> None:
        go.wait(20)

    bench.ledger.on_commit = hang
    await bench.send.send(bench.run(full("/a")))
    await eventually(lambda: "LedgerUnwritable" in bench.own)
    for number in range(20):
        await bench.send.send(bench.run(full("/a"), full(f"/{number}")))
    await eventually(lambda: bench.recorder.stats["m"].runs == 21)
    await eventually(lambda: bool(bench.clients[ONE].sent("LedgerUnwritable")))
    ping = Ping()
    await bench.send.send(ping)
    await ping.committed.wait()  # a restart by the watchdog would lose what is in memory
    assert bench.ledger.commits == []
    (message,) = {
        alert["annotations"]["message"] for _, alert in bench.clients[ONE].sent("LedgerUnwritable")
    }
    assert "its disk has not answered for" in message

    go.set()
    await eventually(lambda: "LedgerUnwritable" not in bench.own)
    written = Outbox.of(bench.service)
    for commit in bench.ledger.commits:
        written.store.adopt(commit)
    assert (
        written.store.alerts.items()
        >= {
            name: alert for name, alert in bench.store.alerts.items() if alert.module == "m"
        }.items()
    )
    assert len({id(commit) for commit in bench.ledger.commits}) == len(bench.ledger.commits)


async def test_a_call_that_fails_after_it_was_given_up_is_owed_again(
    monkeypatch: pytest.MonkeyPatch, writer: Writer
) -> None:
    monkeypatch.setattr(writer_module, "COMMIT_TIMEOUT", 0.05)
    go = threading.Event()
    whole = Ledger.commit

    def hang_and_fail(_ledger: Ledger, _changes: Changes) -> None:
        go.wait(20)
        raise LedgerUnwritable("cannot write the ledger: I/O error")

    monkeypatch.setattr(Ledger, "commit", hang_and_fail)
    with pytest.raises(LedgerUnwritable, match="has not answered"):
        await see(writer, "a", urgent=True)
    with pytest.raises(LedgerUnwritable, match="has not answered"):
        await see(writer, "b", urgent=True)
    monkeypatch.setattr(writer_module, "COMMIT_TIMEOUT", 20.0)  # a busy disk may take so long
    go.set()
    with trio.fail_after(20):
        while "a" not in writer.owed.alerts:
            with pytest.raises(LedgerUnwritable, match=r"I/O error|has not answered"):
                await see(writer, "c", urgent=True)
    monkeypatch.setattr(Ledger, "commit", whole)
    assert await writer.commit(Changes(), urgent=True)

    assert on_disk(writer) == {"a", "b", "c"}


async def test_the_end_does_not_wait_for_a_disk_that_hangs(
    monkeypatch: pytest.MonkeyPatch, writer: Writer
) -> None:
    monkeypatch.setattr(writer_module, "COMMIT_TIMEOUT", 0.01)
    monkeypatch.setattr(writer_module, "CLOSE_TIMEOUT", 0.01)
    go = threading.Event()
    monkeypatch.setattr(Ledger, "commit", lambda _ledger, _changes: go.wait(20))
    with pytest.raises(LedgerUnwritable, match="has not answered"):
        await see(writer, "a", urgent=True)
    began = trio.current_time()
    writer.close()
    took = trio.current_time() - began
    go.set()

    assert took < 5
