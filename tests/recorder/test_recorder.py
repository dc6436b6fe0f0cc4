"""Nothing counts before it is on disk, and nothing is written needlessly."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock, wait_all_tasks_blocked

from supervisor.alerts.self_alerts import PEER_CLOCK_SKEW, SelfAlert
from supervisor.ledger.database import Ledger
from supervisor.observations import Condition, Measurement
from supervisor.recorder.messages import Ping, WakeUp
from supervisor.recorder.recorder import CURSOR_DELAY, MAX_MESSAGES, Recorder
from supervisor.recorder.writer import Writer
from supervisor.stats.module_stats import ModuleStats
from tests.recorder.firing import committed, firing
from tests.support.fake_client import START
from tests.support.ledger_bench import reopened
from tests.support.patience import undisturbed
from tests.support.recorder_bench import ONE, RecorderBench, eventually, full, no_threads
from tests.support.virtual_clock import VirtualClock

__all__ = ["no_threads"]  # a fixture

virtually = pytest.mark.usefixtures("no_threads")


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
