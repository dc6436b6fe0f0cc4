"""Silences that no Alertmanager has taken yet: kept, handed over once, and never forgotten."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, evolve, field
from trio.testing import MockClock

from supervisor.alerts.alert import State
from supervisor.delivery.peer import PeerStatus
from supervisor.delivery.replies import Answer, Reply
from supervisor.delivery.silences import requests, waiting
from supervisor.delivery.silences.silence import LIFETIME, MARK, Matcher
from supervisor.delivery.silences.waiting import MAX_WAITING, WaitingSilences
from supervisor.errors import NoThread
from supervisor.text import rfc3339
from tests.support.fake_silences import DOWN, FakeSilences
from tests.support.ledger_bench import FULL, LedgerBench
from tests.support.recorder_bench import ONE, START, TWO, RecorderBench, full, no_threads
from tests.support.silent_peers import WANTED, Peers

__all__ = ["no_threads"]  # a fixture

pytestmark = pytest.mark.usefixtures("no_threads")

FORBIDDEN = Answer(Reply.MISCONFIGURED, "HTTP 403")
ENDS_WITH_IT = evolve(
    WANTED, matchers=(Matcher("check", "disk"),), comment=f"{MARK}4711", ends_at=START + LIFETIME
)


@define
class Host:
    """The silences that wait on a host, and its peers."""

    path: Path
    peers: Peers = field(factory=lambda: Peers((ONE, TWO)))
    silences: WaitingSilences = field(init=False)
    ledger: LedgerBench = field(factory=LedgerBench)

    def __attrs_post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.silences = WaitingSilences.of(self.path)

    async def keep(self, *wanted: Any, urls: tuple[str, ...] = (ONE, TWO)) -> list[str]:
        kept = await self.silences.keep(wanted or (WANTED,), urls, self.peers.clock.now())
        return [each.id for each in kept]

    async def hand_over(self, url: str) -> PeerStatus:
        peer = PeerStatus(url)
        alerts = self.ledger.outbox.store.alerts.values()
        await self.silences.hand_over(self.peers.client(url), peer, alerts, self.peers.clock)
        return peer

    def left(self) -> int:
        return len(self.silences.all(self.peers.clock.now()))


@pytest.fixture
async def host(autojump_clock: MockClock, tmp_path: Path) -> Host:
    return Host(tmp_path)


async def test_each_peer_gets_it_when_it_answers_and_then_it_is_forgotten(
    host: Host, autojump_clock: MockClock
) -> None:
    await host.keep()
    host.restart()
    await host.hand_over(TWO)
    assert [len(host.peers.has(url)) for url in (ONE, TWO)] == [0, 1]
    host.restart()
    await host.hand_over(TWO)
    await host.hand_over(ONE)

    assert [len(host.peers.has(url)) for url in (ONE, TWO)] == [1, 1]
    (made,) = host.peers.has(ONE)
    assert (made["createdBy"], made["comment"]) == (WANTED.created_by, WANTED.comment)
    assert made["endsAt"] == rfc3339(WANTED.ends_at)
    assert made["id"] != ""
    assert [*host.path.iterdir()] == []


async def test_a_cluster_gets_it_once(host: Host, autojump_clock: MockClock) -> None:
    host.peers = Peers((ONE, TWO), in_cluster=(ONE, TWO))
    await host.keep()
    async with trio.open_nursery() as nursery:
        for url in (ONE, TWO):
            nursery.start_soon(host.hand_over, url)

    assert len(host.peers.has(ONE)) == 1
    assert host.left() == 0


async def test_a_peer_that_gets_it_late_from_its_cluster_is_waited_for(
    host: Host, autojump_clock: MockClock
) -> None:
    host.peers = Peers((ONE, TWO), in_cluster=(ONE, TWO))
    late = FakeSilences(host.peers.clock.now)
    host.peers.client(TWO).silences = late
    await host.keep()
    await host.hand_over(ONE)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(host.hand_over, TWO)
        await trio.sleep(2)
        late.silences |= host.peers.silences[ONE].silences

    assert len(late.silences) == 1
    assert not any(each.startswith("POST") for each in late.log)


async def test_without_gossip_it_is_made_there_after_all(
    host: Host, autojump_clock: MockClock
) -> None:
    host.peers = Peers((ONE, TWO), in_cluster=(ONE, TWO))
    alone = FakeSilences(host.peers.clock.now)
    host.peers.client(TWO).silences = alone
    await host.keep()
    await host.hand_over(ONE)
    await host.hand_over(TWO)

    assert len(alone.silences) == 1


async def test_what_a_peer_does_not_answer_goes_on_waiting(
    host: Host, autojump_clock: MockClock
) -> None:
    await host.keep()
    host.peers.client(ONE).greeting = DOWN
    host.peers.silences[TWO].failing["POST"] = DOWN
    for url in (ONE, TWO):
        await host.hand_over(url)
    assert host.left() == 1

    lie = Answer(Reply.DELIVERED, "HTTP 200", body=b"<html>")
    host.peers.silences[TWO].failing["POST"] = lie
    await host.hand_over(TWO)
    assert host.left() == 1
    host.peers.silences[TWO].failing.clear()
    await host.hand_over(TWO)
    assert len(host.peers.has(TWO)) == 1
    assert host.left() == 1


async def test_what_a_peer_refuses_is_told_and_given_up_there(
    host: Host, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    await host.keep(urls=(ONE,))
    host.peers.silences[ONE].failing["POST"] = FORBIDDEN
    await host.hand_over(ONE)

    assert host.left() == 0
    assert f"{ONE}: the silences that waited are not made there: " in caplog.text


async def test_what_ends_while_it_waits_is_never_made(
    host: Host, autojump_clock: MockClock
) -> None:
    await host.keep()
    await trio.sleep(7201)
    assert host.left() == 0
    await host.hand_over(ONE)

    assert host.peers.has(ONE) == []


async def test_one_that_ends_with_its_alert_lasts_from_when_it_is_made(
    host: Host, autojump_clock: MockClock
) -> None:
    host.ledger.see(FULL)
    labels = next(iter(host.ledger.outbox.store.alerts.values())).payload.labels
    await host.keep(evolve(ENDS_WITH_IT, matchers=(Matcher("check", labels["check"]),)))
    await trio.sleep(5 * LIFETIME)
    assert host.left() == 1
    peer = await host.hand_over(ONE)

    (made,) = host.peers.has(ONE)
    assert made["endsAt"] == rfc3339(START + 6 * LIFETIME)
    assert peer.has_new_silences


async def test_one_whose_alert_has_ended_is_not_made(host: Host, autojump_clock: MockClock) -> None:
    await host.keep(ENDS_WITH_IT, urls=(ONE,))
    await host.hand_over(ONE)

    assert host.peers.has(ONE) == []
    assert host.left() == 0


async def test_a_clock_of_a_peer_that_is_wrong_shifts_it(
    host: Host, autojump_clock: MockClock
) -> None:
    await host.keep()
    client = host.peers.client(ONE)
    client.greeting = evolve(client.greeting, date=START + 600)
    await host.hand_over(ONE)

    (made,) = host.peers.has(ONE)
    assert made["endsAt"] == rfc3339(WANTED.ends_at + 600)


async def test_it_can_be_ended_before_it_is_made(host: Host, autojump_clock: MockClock) -> None:
    first, second = [*await host.keep(), *await host.keep()]
    assert [each.state for each in await host.silences.end([first, "no-such"])] == ["expired"]
    host.restart()
    await host.hand_over(ONE)

    assert len(host.peers.has(ONE)) == 1
    assert [each.id for each in host.silences.all(START)] == [second]


async def test_a_flood_is_bounded(host: Host, autojump_clock: MockClock) -> None:
    kept = await host.keep(*[WANTED] * (MAX_WAITING + 5))

    assert len(kept) == host.left() == MAX_WAITING


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
