"""Nothing counts before it is on disk. A disk that fails stops nothing."""

from __future__ import annotations

import logging
import sqlite3
import threading
from pathlib import Path

import pytest
import trio
from attrs import define, evolve
from trio.testing import MockClock, wait_all_tasks_blocked

from supervisor.alerts.alert import State
from supervisor.alerts.self_alerts import PEER_CLOCK_SKEW, SelfAlert
from supervisor.config.current import CONSOLE, CurrentConfig
from supervisor.errors import LedgerCorrupt, LedgerError
from supervisor.ledger.changes import Changes
from supervisor.ledger.database import Ledger
from supervisor.ledger.store import Store
from supervisor.observations import Condition, Measurement, Report
from supervisor.recorder.messages import Ping, WakeUp
from supervisor.recorder.recorder import CURSOR_DELAY, MAX_MESSAGES, Recorder
from supervisor.recorder.writer import Writer
from supervisor.stats.module_stats import ModuleStats
from tests.support.ledger_bench import reopened
from tests.support.patience import undisturbed
from tests.support.recorder_bench import ONE, START, RecorderBench, eventually, full, no_threads
from tests.support.virtual_clock import VirtualClock

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


def firing(bench: RecorderBench) -> set[str]:
    return {
        alert.instance or alert.alertname
        for alert in bench.store.alerts.values()
        if alert.state is State.FIRING
    }


def committed(bench: RecorderBench) -> set[str]:
    """Return what a new process would find firing."""
    found = Store(CurrentConfig(bench.service))
    for changes in bench.ledger.commits:
        found.adopt(changes)
    return {
        alert.instance or alert.alertname
        for alert in found.alerts.values()
        if alert.state is State.FIRING
    }


@virtually
async def test_all_that_waits_is_committed_together(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE)
    for number in range(50):
        bench.send.send_nowait(bench.run(*(full(f"/{n}") for n in range(number + 1))))
    await bench.live(nursery)

    assert 1 == len(bench.ledger.commits)
    assert 50 == len(bench.ledger.commits[0].alerts)
    assert 50 == bench.recorder.stats["m"].runs


@virtually
async def test_one_commit_takes_a_bounded_number_of_messages(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE)
    send, receive = trio.open_memory_channel[object](2000)
    for number in range(MAX_MESSAGES + 1):
        send.send_nowait(bench.run(full(message=str(number))))
    bench.receive = receive  # type: ignore[assignment]  # only runs are sent
    await bench.live(nursery)

    assert 2 == len(bench.ledger.commits)
    assert MAX_MESSAGES + 1 == bench.recorder.stats["m"].runs


async def test_nothing_is_seen_of_a_run_before_its_commit_has_returned(
    nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "supervisor")
    bench = RecorderBench.make(ONE)
    go, began = threading.Event(), threading.Event()

    def hold() -> None:
        began.set()
        assert go.wait(10)

    bench.ledger.on_commit = hold
    await bench.live(nursery)
    caplog.clear()
    await bench.send.send(bench.run(full()))
    await eventually(began.is_set)
    await trio.sleep(0.05)
    seen = (
        bench.store.alerts,
        bench.recorder.stats["m"].runs,
        bench.clients[ONE].posts,
        [record.getMessage() for record in caplog.records],
    )
    assert ({}, 0, [], []) == seen

    go.set()
    await eventually(lambda: bool(bench.clients[ONE].posts))

    assert ({"/"}, 1) == (firing(bench), bench.recorder.stats["m"].runs)


async def test_what_has_been_seen_survives_a_kill(nursery: trio.Nursery, tmp_path: Path) -> None:
    bench = RecorderBench.make(ONE)
    bench.recorder.writer.ledger = Ledger(tmp_path / "ledger")
    await bench.live(nursery)
    for number in range(20):
        await bench.send.send(bench.run(*(full(f"/{n}") for n in range(number + 1))))
        await eventually(lambda: bench.recorder.stats["m"].runs == bench.runs)
        again, aside = reopened(bench.service, tmp_path / "ledger", START)
        assert (None, number + 1) == (aside, len(again.store.alerts))
    bench.recorder.writer.ledger.close()


@virtually
async def test_a_finished_run_is_counted(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    await bench.see(full(), Measurement("use", 93.0, "%"))
    await bench.until(10)
    await bench.see(error="no such file")

    stats = bench.recorder.stats["m"]
    assert (2, 1, "failed") == (stats.runs, stats.failures, stats.last_result)
    assert (START, START + 10.001) == (stats.last_success, stats.last_run)
    assert [Measurement("use", 93.0, "%")] == list(stats.measurements)


@virtually
async def test_a_run_of_a_module_that_has_gone_is_ignored(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    await bench.send.send(evolve(bench.run(full()), module="gone"))
    await wait_all_tasks_blocked()

    assert {} == bench.store.alerts


@virtually
async def test_a_ping_is_answered_only_after_what_came_before_it_is_committed(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    ping, idle = Ping(), Ping()
    bench.send.send_nowait(bench.run(full()))
    bench.send.send_nowait(ping)
    await ping.committed.wait()
    attempts = bench.ledger.attempts
    bench.send.send_nowait(idle)
    await idle.committed.wait()

    assert {"/"} == committed(bench)
    assert attempts < bench.ledger.attempts  # it went all the way, though nothing was to write


@virtually
async def test_nothing_is_written_when_nothing_has_changed(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    for _ in range(50):
        await bench.see(Measurement("use", 93.0))
        await trio.sleep(60)

    assert 0 == bench.ledger.attempts


@virtually
async def test_what_only_a_check_keeps_wakes_no_sender(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    nursery.start_soon(bench.recorder.changed.park)
    await wait_all_tasks_blocked()

    waiting = bench.recorder.changed.statistics().tasks_waiting
    await bench.send.send(evolve(bench.run(), state={"position": 7}))
    await wait_all_tasks_blocked()

    assert {"position": 7} == bench.store.modules["m"].state
    assert 2 == waiting == bench.recorder.changed.statistics().tasks_waiting
    await bench.see(full())
    assert 1 == bench.recorder.changed.statistics().tasks_waiting  # the sender waits again


@virtually
async def test_cursors_are_written_in_time_however_many_runs_change_nothing(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    await bench.see(full())
    for _ in range(round(10 * CURSOR_DELAY) + 5):
        await bench.see(full())
        await trio.sleep(0.1)

    assert [ONE] == [peer for commit in bench.ledger.commits for peer, _ in commit.cursors]


@virtually
async def test_when_the_channel_is_closed_everything_is_read_and_committed(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = RecorderBench.make(ONE)
    for number in range(10):
        bench.send.send_nowait(bench.run(*(full(f"/{n}") for n in range(number + 1))))
    bench.send.close()
    with trio.fail_after(1):
        await bench.recorder.record(bench.receive)

    assert {f"/{n}" for n in range(10)} == committed(bench)


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


@virtually
async def test_without_peers_a_printed_line_is_the_delivery(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "supervisor.alerts")
    bench = await RecorderBench.started(nursery)
    await bench.see(full(), Report("Daily check", "hello"))
    pending = bench.outbox.pending(CONSOLE)
    await bench.until(30)
    await bench.see()
    await bench.until(2000)

    assert [
        "FIRING   W  Disk usage /: it is full",
        "REPORT   I  Daily check: hello",
        "RESOLVED W  Disk usage /: it is full",
    ] == [record.getMessage() for record in caplog.records]
    assert ([], {}) == (pending, bench.store.alerts)


@virtually
async def test_what_a_killed_process_did_not_print_is_printed_at_the_start(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "supervisor.alerts")
    first = RecorderBench.make()
    first.send.send_nowait(first.run(full("/a")))
    first.send.close()
    await first.recorder.record(first.receive)
    caplog.clear()
    second = RecorderBench.make()
    second.store.adopt(first.ledger.commits[0])
    third = RecorderBench.make()
    for changes in first.ledger.commits:
        third.store.adopt(changes)
        for (peer, fingerprint), cursor in changes.cursors.items():
            assert cursor is not None
            third.cursors.known.setdefault(peer, {})[fingerprint] = cursor
    await second.live(nursery)
    await third.live(nursery)

    assert ["FIRING   W  Disk usage /a: it is full"] == [r.getMessage() for r in caplog.records]


@virtually
async def test_a_clock_that_is_set_back_stops_no_delivery(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    await bench.see(full())
    await bench.until(100)
    bench.clock.step(-3600)
    before = len(bench.clients[ONE].posts)
    await trio.sleep(200)

    assert "the clock was set back by 3" in caplog.text
    assert 3 <= len(bench.clients[ONE].posts) - before <= 5


@virtually
async def test_a_clock_that_is_set_forward_sends_everything_again(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    await bench.see(full())
    await bench.until(10)
    bench.clock.step(86400)
    await trio.sleep(31)

    assert [0.0, 86430.0] == pytest.approx([p.at for p in bench.clients[ONE].posts], abs=11)


@virtually
async def test_a_wake_up_and_the_end_of_what_was_not_raised_change_nothing(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    await bench.send.send(WakeUp())
    await bench.send.send(SelfAlert(PEER_CLOCK_SKEW, None, ONE))
    await wait_all_tasks_blocked()

    assert (0, {}) == (bench.ledger.attempts, bench.store.alerts)


async def test_a_run_is_on_disk_within_a_second(nursery: trio.Nursery, tmp_path: Path) -> None:
    bench = RecorderBench.make(ONE)
    clock = VirtualClock(START)
    writer = Writer(Ledger(tmp_path / "ledger"), bench.outbox, clock)
    recorder = Recorder(bench.outbox, writer, clock, {"m": ModuleStats("m", "fake")})
    nursery.start_soon(recorder.record, bench.receive)
    await wait_all_tasks_blocked()
    began = undisturbed()
    for _ in range(10):
        await bench.send.send(bench.run(Condition("Disk usage", "W", "/", "x")))
    await eventually(lambda: recorder.stats["m"].runs == 10)
    took = undisturbed() - began
    recorder.writer.ledger.close()

    assert took < 1.0
