"""Make, list and end silences at several peers, which may fail, block, flood and lie."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import pytest
import trio
from trio.testing import MockClock

from supervisor.delivery.replies import Answer, Reply
from supervisor.delivery.silences import orders
from supervisor.text import rfc3339
from tests.support.fake_client import START
from tests.support.fake_silences import DOWN, FakeSilences
from tests.support.recorder_bench import ONE, TWO, no_threads
from tests.support.silent_peers import Peers

__all__ = ["no_threads"]  # a fixture

pytestmark = pytest.mark.usefixtures("no_threads")

THREE = "http://three.example.invalid:9093"
TOO_SLOW = Answer(Reply.RETRY, "timeout", "no answer within 5 s")


def posts(silences: FakeSilences) -> int:
    return sum(each.startswith("POST") for each in silences.log)


def sets(lists: Iterable[Sequence[str]]) -> list[set[str]]:
    return [set(each) for each in lists]


async def test_a_silence_is_made_once_in_a_cluster_and_once_at_each_other_peer(
    autojump_clock: MockClock,
) -> None:
    peers = Peers((ONE, TWO, THREE), in_cluster=(ONE, TWO))
    done = await peers.make()

    assert [posts(peers.silences[url]) for url in (ONE, THREE)] == [1, 1]
    assert sets(done.peers.values()) == [{ONE, TWO}, {THREE}]
    assert done.failed == {}
    (made,) = peers.silences[THREE].silences.values()
    assert made["matchers"] == [{"name": "host", "value": "h", "isRegex": False, "isEqual": True}]
    assert (made["createdBy"], made["comment"]) == ("kim", "RAID rebuild")
    assert made["endsAt"] == rfc3339(START + 7200)


async def test_a_cluster_whose_first_peer_is_down_is_told_through_the_next(
    autojump_clock: MockClock,
) -> None:
    peers = Peers((ONE, TWO), in_cluster=(ONE, TWO))
    peers.client(ONE).greeting = DOWN
    done = await peers.make()

    assert sets(done.peers.values()) == [{TWO}]
    assert done.failed == {ONE: "connect: Connection refused"}


async def test_a_peer_that_answers_and_then_blocks_is_passed_over(
    autojump_clock: MockClock,
) -> None:
    peers = Peers((ONE, TWO), in_cluster=(ONE, TWO))
    peers.client(ONE).silences = lambda _method, _path, _body: TOO_SLOW
    done = await peers.make()

    assert sets(done.peers.values()) == [{TWO}]
    assert done.failed == {ONE: "timeout: no answer within 5 s"}


async def test_when_no_peer_answers_nothing_is_made(autojump_clock: MockClock) -> None:
    peers = Peers((ONE, TWO))
    for client in peers.clients:
        client.greeting = DOWN
    done = await peers.make()

    assert (done.silences, set(done.failed)) == ({}, {ONE, TWO})


async def test_a_member_that_learns_of_it_late_is_waited_for_but_not_for_ever(
    autojump_clock: MockClock,
) -> None:
    peers = Peers((ONE, TWO), in_cluster=(ONE, TWO))
    shared, known_from = peers.silences[TWO], trio.current_time() + 2
    missing = Answer(Reply.MISCONFIGURED, "HTTP 404")

    def late(method: str, path: str, body: bytes) -> Answer:
        return shared(method, path, body) if trio.current_time() >= known_from else missing

    peers.client(TWO).silences = late
    soon = await peers.make()
    peers.client(TWO).silences = lambda _method, _path, _body: missing
    never = await peers.make()

    assert sets(soon.peers.values()) == [{ONE, TWO}]
    assert sets(never.peers.values()) == [{ONE}]
    assert "does not have it yet" in never.failed[TWO]
    assert trio.current_time() - known_from <= orders.GOSSIP_TIMEOUT + 1


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"silenceID": 7}', b"\xff", b"[" * 100_000])
async def test_a_peer_that_lies_about_what_it_made_has_failed(
    autojump_clock: MockClock, body: bytes
) -> None:
    peers = Peers((ONE,))
    lie = Answer(Reply.DELIVERED, "HTTP 200", body=body)
    peers.client(ONE).silences = lambda _method, _path, _body: lie
    done = await peers.make()

    assert (done.silences, set(done.failed)) == ({}, {ONE})


@pytest.mark.parametrize(
    "body", [b"[]", b'{"cluster": 7}', b'{"cluster": {"name": [1], "peers": [1, {}]}}', b"null"]
)
async def test_a_peer_that_lies_about_its_cluster_has_none(
    autojump_clock: MockClock, body: bytes
) -> None:
    peers = Peers((ONE, TWO))
    peers.client(ONE).greeting = Answer(Reply.DELIVERED, "HTTP 200", body=body)
    done = await peers.make()

    assert sets(done.peers.values()) == [{ONE}, {TWO}]


async def test_times_are_by_the_clock_of_the_peer(autojump_clock: MockClock) -> None:
    peers = Peers((ONE,))
    peers.client(ONE).skew = 3600.0
    await peers.make()

    (made,) = peers.silences[ONE].silences.values()
    assert (made["startsAt"], made["endsAt"]) == (rfc3339(START + 3600), rfc3339(START + 10800))


async def test_a_list_holds_what_may_silence_our_alerts(autojump_clock: MockClock) -> None:
    peers = Peers((ONE, TWO), in_cluster=(ONE, TWO))
    there = peers.silences[ONE]
    wanted = [there.add(host="h"), there.add(host="h", check="disk"), there.add(severity="low")]
    there.add(host="other")
    ended = there.add(host="h")
    there("DELETE", f"/api/v2/silence/{ended}")
    labels = {"host": "h", "service": "X"}
    done = await orders.listed(peers.clients, labels, peers.clock)

    assert [*done.silences] == wanted
    assert sets(done.peers.values()) == [{ONE, TWO}] * 3


async def test_a_list_survives_floods_and_lies(autojump_clock: MockClock) -> None:
    peers = Peers((ONE, TWO, THREE))
    for number in range(10_000):
        peers.silences[ONE].add(host="h" if number % 1000 == 0 else "other")
    lies = [1, None, {}, {"id": "x", "matchers": 3}, {"id": 7, "matchers": []}]
    lie = Answer(Reply.DELIVERED, "HTTP 200", body=json.dumps(lies).encode())
    peers.client(TWO).silences = lambda _method, _path, _body: lie
    peers.client(THREE).silences = lambda _method, _path, _body: DOWN
    done = await orders.listed(peers.clients, {"host": "h"}, peers.clock)

    assert len(done.silences) == 10
    assert set(done.failed) == {THREE}


async def test_a_silence_is_ended_wherever_it_is(autojump_clock: MockClock) -> None:
    peers = Peers((ONE, TWO, THREE), in_cluster=(ONE, TWO))
    identity = peers.silences[ONE].add(host="h")
    done = await orders.end(peers.clients, [identity, "unknown"], peers.clock)
    again = await orders.end(peers.clients, [identity], peers.clock)

    assert peers.silences[ONE].state(identity) == "expired"
    assert sum(each.startswith("DELETE") for each in peers.silences[ONE].log) == 1
    assert done.peers == again.peers == {identity: [ONE, TWO]}
    assert (done.failed, again.failed) == ({}, {})


async def test_an_id_cannot_lead_to_another_address(autojump_clock: MockClock) -> None:
    peers = Peers((ONE,))
    await orders.end(peers.clients, ["../alerts?x=1#y"], peers.clock)

    assert peers.silences[ONE].log == ["GET /api/v2/silence/..%2Falerts%3Fx%3D1%23y"]
