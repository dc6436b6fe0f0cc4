"""The file of silences that wait: damaged, full, unreadable, and read before anything is posted."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from supervisor.alerts.alert import State
from supervisor.delivery.replies import Answer, Reply
from supervisor.delivery.silences import requests, waiting
from supervisor.delivery.silences.silence import Matcher
from supervisor.errors import NoThread
from tests.delivery.silences.waiting_host import Host, host
from tests.support.fake_silences import DOWN, FakeSilences
from tests.support.recorder_bench import ONE, RecorderBench, full, no_threads
from tests.support.silent_peers import WANTED

__all__ = ["host", "no_threads"]  # fixtures

pytestmark = pytest.mark.usefixtures("no_threads")


@pytest.mark.parametrize("text", ["", "[", "{}", "null", "[" * 10_000, "\xff"])
async def test_a_damaged_file_is_told(
    host: Host, autojump_clock: MockClock, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (host.path / waiting.NAME).write_text(text, encoding="latin-1")
    host.restart()

    assert host.left() == 0
    assert f"{host.path / waiting.NAME} is damaged" in caplog.text
    await host.keep()
    host.restart()
    assert host.left() == 1


async def test_what_is_malformed_is_left_out(host: Host, autojump_clock: MockClock) -> None:
    await host.keep()
    path = host.path / waiting.NAME
    path.write_text(json.dumps([{}, 1, None, *json.loads(path.read_text()), {"silence": {}}]))
    host.restart()

    assert host.left() == 1


async def test_a_file_that_cannot_be_read_is_told(
    host: Host, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    (host.path / waiting.NAME).mkdir()
    host.restart()

    assert "cannot read the silences that wait" in caplog.text


NO_SPACE = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("error", [NO_SPACE, NoThread("no task is left")])
async def test_what_cannot_be_written_fails_the_command_and_not_the_hand_over(
    host: Host,
    autojump_clock: MockClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    await host.keep(urls=(ONE,))

    async def fail(_: object) -> None:
        await trio.lowlevel.checkpoint()
        raise error

    monkeypatch.setattr(waiting, "in_thread", fail)
    with pytest.raises(type(error), match=str(error).strip("[]").rpartition("] ")[2]):
        await host.keep()
    assert host.left() == 1
    await host.hand_over(ONE)

    assert len(host.peers.has(ONE)) == 1
    assert str(error) in caplog.text


async def test_many_silences_are_read_without_a_thread_if_there_is_none(
    host: Host, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: object) -> None:
        await trio.lowlevel.checkpoint()
        raise NoThread("no task is left")

    monkeypatch.setattr(requests, "in_thread", fail)
    await host.keep(urls=(ONE,))
    for number in range(500):
        host.peers.silences[ONE].add(host="h", instance=f"/{number}")
    await host.hand_over(ONE)

    assert len(host.peers.has(ONE)) == 501


async def test_nothing_is_posted_before_it_is_made(
    nursery: trio.Nursery, autojump_clock: MockClock, tmp_path: Path
) -> None:
    bench = RecorderBench.make(ONE)
    bench.waiting.path = tmp_path / waiting.NAME
    peers = FakeSilences(bench.clock.now)
    client, order = bench.clients[ONE], []

    def answer(method: str, path: str, body: bytes) -> Answer:
        order.append(method)
        return peers(method, path, body)

    def take(_post: object) -> Answer:
        order.append("alerts")
        return Answer(Reply.DELIVERED, "HTTP 200")

    client.silences, client.respond, client.greeting = answer, lambda _post: DOWN, DOWN
    await bench.live(nursery)
    await bench.see(full())
    (alert,) = (each for each in bench.store.alerts.values() if each.state is State.FIRING)
    silence = evolve(WANTED, matchers=(Matcher("check", "m"),))
    await bench.waiting.keep([silence], [ONE], bench.clock.now())
    assert bench.waiting.of_alert(ONE, alert.payload.labels, bench.clock.now())
    client.respond = take
    client.greeting = Answer(Reply.DELIVERED, "HTTP 200", body=b'{"cluster": {}}')
    await bench.until(100)

    assert order[:3] == ["GET", "POST", "alerts"]
    assert not bench.waiting
