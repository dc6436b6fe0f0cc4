"""systemd's watchdog is fed when the pipeline moves, and only then."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from supervisor.daemon.watchdog import feed_watchdog
from supervisor.delivery.peer import PeerStatus
from supervisor.errors import LedgerError
from supervisor.host.clock import Clock
from supervisor.host.systemd import Notifier
from tests.support.fake_client import BUSY
from tests.support.recorder_bench import ONE, RecorderBench, eventually, full, no_threads

__all__ = ["no_threads"]  # a fixture

virtually = pytest.mark.usefixtures("no_threads")


class Manager:
    """The socket on which a service manager listens."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind(str(path))
        self.notifier = Notifier(str(path), 20.0)

    def heard(self) -> list[str]:
        messages = []
        try:
            while True:
                messages.append(self.socket.recv(4096).decode())
        except BlockingIOError:
            return messages


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(tmp_path / "notify")
    with made.socket:
        yield made


async def fed(manager: Manager, seconds: float) -> int:
    """Return how often the watchdog was fed in so many virtual seconds."""
    manager.heard()
    messages = []
    end = trio.current_time() + seconds
    while (left := end - trio.current_time()) > 0:
        await trio.sleep(min(left, 10.0))  # before the socket's queue is full
        messages += manager.heard()
    assert set(messages) <= {"WATCHDOG=1"}
    return len(messages)


def start(bench: RecorderBench, manager: Manager, nursery: trio.Nursery) -> None:
    peers = tuple(bench.peers.values())
    feed = partial(feed_watchdog, clock=bench.clock)
    nursery.start_soon(feed, manager.notifier, bench.send, lambda: peers, lambda: 5.0)


@virtually
async def test_it_is_fed_four_times_an_interval_while_all_is_well(
    nursery: trio.Nursery, autojump_clock: MockClock, manager: Manager
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    start(bench, manager, nursery)

    assert 20 == await fed(manager, 99)


@virtually
async def test_it_is_fed_while_a_peer_is_down_for_an_hour_and_the_disk_is_full(
    nursery: trio.Nursery, autojump_clock: MockClock, manager: Manager
) -> None:
    bench = RecorderBench.make(ONE)
    bench.clients[ONE].respond = lambda _post: BUSY
    bench.clients[ONE].seconds = 5.0
    bench.ledger.error = LedgerError("disk full")
    await bench.live(nursery)
    start(bench, manager, nursery)
    await bench.see(full())

    assert 720 == pytest.approx(await fed(manager, 3600), abs=2)


@virtually
async def test_it_is_fed_from_the_start_though_a_peer_hangs(
    nursery: trio.Nursery, autojump_clock: MockClock, manager: Manager
) -> None:
    bench = RecorderBench.make(ONE)
    bench.clients[ONE].seconds = 5.0
    await trio.sleep(1000)  # the clock of a host does not start at 0
    await bench.live(nursery)
    start(bench, manager, nursery)

    assert 1 == await fed(manager, 1)


@virtually
async def test_it_is_not_fed_when_a_sender_does_not_come_round(
    nursery: trio.Nursery, autojump_clock: MockClock, manager: Manager
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    start(bench, manager, nursery)
    await fed(manager, 10)
    bench.clients[ONE].seconds = 1e9  # a request that outlives its timeout
    await bench.see(full())
    silence = 30 + 2 * 5

    assert silence / 5 == pytest.approx(await fed(manager, silence), abs=1)
    assert 0 == await fed(manager, 1000)


@virtually
async def test_it_is_not_fed_when_the_channel_is_not_read(
    nursery: trio.Nursery, autojump_clock: MockClock, manager: Manager
) -> None:
    bench = RecorderBench.make()
    start(bench, manager, nursery)

    assert 0 == await fed(manager, 1000)


@virtually
async def test_it_is_fed_again_once_the_pipeline_moves_again(
    nursery: trio.Nursery, autojump_clock: MockClock, manager: Manager
) -> None:
    bench = RecorderBench.make()
    start(bench, manager, nursery)
    await fed(manager, 100)
    nursery.start_soon(bench.recorder.record, bench.receive)

    assert 20 == pytest.approx(await fed(manager, 100), abs=5)


async def test_it_is_not_fed_while_the_ledgers_thread_is_stuck(
    nursery: trio.Nursery, manager: Manager
) -> None:
    go = threading.Event()
    bench = RecorderBench.make()
    notifier = Notifier(manager.notifier.address, 0.08)
    await bench.live(nursery)
    feed = partial(feed_watchdog, clock=bench.clock)
    nursery.start_soon(feed, notifier, bench.send, tuple, lambda: 5.0)
    await eventually(lambda: bool(manager.heard()))
    bench.ledger.on_commit = lambda: stuck_in(go)
    await eventually(lambda: bench.ledger.attempts > len(bench.ledger.commits))
    manager.heard()
    await trio.sleep(0.3)
    stuck = manager.heard()
    go.set()
    await eventually(lambda: bool(manager.heard()))

    assert [] == stuck


async def test_it_is_fed_while_the_disk_is_slow(nursery: trio.Nursery, manager: Manager) -> None:
    bench = RecorderBench.make()
    bench.ledger.on_commit = lambda: time.sleep(0.1)
    await bench.live(nursery)
    feed = partial(feed_watchdog, clock=bench.clock)
    nursery.start_soon(
        feed, Notifier(manager.notifier.address, 2.0), bench.send, tuple, lambda: 5.0
    )
    for _ in range(3):
        await eventually(lambda: manager.heard() == ["WATCHDOG=1"])


async def test_without_a_watchdog_it_returns_at_once(autojump_clock: MockClock) -> None:
    send, _ = trio.open_memory_channel[object](0)
    feed = partial(feed_watchdog, clock=Clock())
    await feed(Notifier("/gone", None), send, lambda: [PeerStatus(ONE)], lambda: 5.0)


def stuck_in(go: threading.Event) -> None:
    assert go.wait(10)
