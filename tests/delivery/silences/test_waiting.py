"""Silences that no Alertmanager has taken yet: kept, handed over once, and never forgotten."""

from __future__ import annotations

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from supervisor.delivery.replies import Answer, Reply
from supervisor.delivery.silences.silence import LIFETIME, MARK, Matcher
from supervisor.delivery.silences.waiting import MAX_WAITING
from supervisor.text import rfc3339
from tests.delivery.silences.waiting_host import Host, host
from tests.support.fake_client import START
from tests.support.fake_silences import DOWN, FakeSilences
from tests.support.ledger_bench import FULL
from tests.support.recorder_bench import ONE, TWO, no_threads
from tests.support.silent_peers import WANTED, Peers

__all__ = ["host", "no_threads"]  # fixtures

pytestmark = pytest.mark.usefixtures("no_threads")

FORBIDDEN = Answer(Reply.MISCONFIGURED, "HTTP 403")
ENDS_WITH_IT = evolve(
    WANTED, matchers=(Matcher("check", "disk"),), comment=f"{MARK}4711", ends_at=START + LIFETIME
)


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
