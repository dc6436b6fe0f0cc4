"""What each Alertmanager does with our alerts: when it is asked, and what is believed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from supervisor.config.service import Alertmanager
from supervisor.control.at_peers import at_peer, in_words
from supervisor.delivery.client import Client
from supervisor.delivery.peer import PeerStatus
from supervisor.delivery.replies import Answer, Reply
from supervisor.delivery.silences import standings
from supervisor.delivery.silences.standings import Standings
from supervisor.delivery.silences.waiting import WaitingSilences
from tests.support.fake_client import START, FakeClient
from tests.support.fake_silences import DOWN, FakeSilences
from tests.support.ledger_bench import FULL, A, B, LedgerBench, service_of
from tests.support.recorder_bench import no_threads
from tests.support.virtual_clock import VirtualClock

__all__ = ["no_threads"]  # a fixture

pytestmark = pytest.mark.usefixtures("no_threads")


@define
class Listing(FakeClient):
    """A client of a peer that lists alerts."""

    listing: Callable[[], Answer] = field(kw_only=True)
    asked: list[str] = field(kw_only=True)

    async def get(self, path: str, now: float, max_bytes: int = 0) -> Answer:
        self.asked.append(path)
        if path.startswith("/api/v2/alerts?"):
            return await self._answer(self.listing)
        return await FakeClient.get(self, path, now, max_bytes)


@define
class Bench:
    """An alert that fires, two peers, and who looks."""

    ledger: LedgerBench = field(factory=lambda: LedgerBench(service_of(urls=(A, B))))
    peers: list[PeerStatus] = field(factory=lambda: [PeerStatus(A), PeerStatus(B)])
    listings: dict[str, Answer] = field(factory=dict)
    asked: list[str] = field(factory=list)
    clock: VirtualClock = field(factory=lambda: VirtualClock(START - trio.current_time()))
    seconds: float = 0.0
    silences: FakeSilences = field(init=False)
    waiting: WaitingSilences = field(factory=lambda: WaitingSilences(Path("/nonexistent/x.json")))
    standings: Standings = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.ledger.see(FULL)
        self.silences = FakeSilences(self.clock.now)
        self.standings = Standings(
            store=self.ledger.outbox.store,
            peers=lambda: self.peers,
            connect=lambda: [self._client(peer.url) for peer in self.peers],
            waiting=self.waiting,
            clock=self.clock,
        )

    def _client(self, url: str) -> Client:
        return Listing(
            url,
            Alertmanager(urls=(url,)),
            clock=self.clock,
            listing=lambda: self.listings.get(url, _list()),
            asked=self.asked,
            silences=self.silences,
            seconds=self.seconds,
        )

    @property
    def fingerprint(self) -> str:
        (fingerprint,) = self.ledger.outbox.store.alerts
        return fingerprint

    def lists(self, url: str, **status: Any) -> None:
        """Let a peer list the alert with this status."""
        (alert,) = self.ledger.outbox.store.alerts.values()
        self.listings[url] = _list(_item(alert.payload.labels, **status))

    async def states(self) -> list[str]:
        await self.standings.look()
        found = (self.standings.of(url, self.fingerprint) for url in (A, B))
        return ["unknown" if each is None else each[0].state for each in found]


def _item(labels: Mapping[str, str], identity: str = "f1", **status: Any) -> dict[str, Any]:
    usual = {"state": "active", "silencedBy": [], "inhibitedBy": []}
    return {"labels": labels, "fingerprint": identity, "status": usual | status}


def _list(*items: object) -> Answer:
    return Answer(Reply.DELIVERED, "HTTP 200", body=json.dumps(items).encode())


async def test_each_peer_says_what_it_does(autojump_clock: MockClock) -> None:
    bench = Bench()
    identity = bench.silences.add(host="h", comment="RAID")
    bench.lists(A, state="suppressed", silencedBy=[identity])
    bench.lists(B)

    assert await bench.states() == ["silenced", "active"]
    known = bench.standings.of(A, bench.fingerprint)
    assert known is not None
    (silence,) = known[1]
    assert (silence.created_by, silence.comment) == ("kim", "RAID")


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({"state": "unprocessed"}, "unprocessed"),
        ({"state": "suppressed", "inhibitedBy": ["f1"]}, "inhibited"),
        ({"state": "suppressed"}, "muted"),
        ({"state": "active", "mutedBy": ["weekends"]}, "muted"),
        ({"state": "suppressed", "silencedBy": ["unknown"]}, "silenced"),
    ],
)
async def test_each_status_has_its_word(
    autojump_clock: MockClock, status: dict[str, Any], state: str
) -> None:
    bench = Bench()
    bench.lists(A, **status)

    assert await bench.states() == [state, "missing"]


async def test_an_inhibition_names_the_alert_if_it_is_ours(autojump_clock: MockClock) -> None:
    bench = Bench()
    (alert,) = bench.ledger.outbox.store.alerts.values()
    status: dict[str, Any] = {"state": "suppressed", "inhibitedBy": ["f2", "f3"]}
    cause = _item({"alertname": "Host down", "instance": "shop1"}, "f2")
    bench.listings[A] = _list(_item(alert.payload.labels, **status), cause)
    await bench.states()

    known = bench.standings.of(A, bench.fingerprint)
    assert known is not None
    assert known[0].inhibited_by == ("Host down shop1", "an alert of another host or service")


async def test_nothing_is_asked_while_nobody_looks_nor_twice_in_a_short_time(
    autojump_clock: MockClock,
) -> None:
    bench = Bench()
    await trio.sleep(1000)
    assert bench.asked == []
    for _second in range(200):
        await bench.states()
        await trio.sleep(1)
    assert len(bench.asked) == 8  # two peers, four times
    bench.standings.forget()
    await bench.states()
    assert len(bench.asked) == 10


async def test_only_our_own_alerts_are_asked_for(autojump_clock: MockClock) -> None:
    bench = Bench()
    await bench.states()

    assert bench.asked[0] == "/api/v2/alerts?filter=service%3D%22X%22&filter=host%3D%22h%22"


async def test_what_was_said_long_ago_is_not_believed(autojump_clock: MockClock) -> None:
    bench = Bench()
    bench.lists(A)
    assert await bench.states() == ["active", "missing"]
    bench.listings[A] = bench.listings[B] = DOWN
    await trio.sleep(standings.INTERVAL + 1)

    assert await bench.states() == ["unknown", "unknown"]


async def test_what_a_peer_that_blocks_said_is_believed_for_a_while(
    autojump_clock: MockClock,
) -> None:
    bench = Bench()
    bench.lists(A)
    assert await bench.states() == ["active", "missing"]
    bench.seconds = 1000.0
    await trio.sleep(standings.INTERVAL + 1)
    assert await bench.states() == ["active", "missing"]
    await trio.sleep(standings.MAX_AGE - standings.INTERVAL)

    assert await bench.states() == ["unknown", "unknown"]


async def test_a_peer_that_blocks_keeps_nobody_waiting_for_long(autojump_clock: MockClock) -> None:
    bench = Bench()
    bench.seconds = 1000.0
    before = trio.current_time()

    assert await bench.states() == ["unknown", "unknown"]
    assert trio.current_time() - before == standings.TIMEOUT


async def test_a_peer_that_is_not_reached_is_not_asked(autojump_clock: MockClock) -> None:
    bench = Bench()
    bench.peers[0].state = "retrying"

    assert await bench.states() == ["unknown", "missing"]
    assert len(bench.asked) == 1


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"null", b"{}", b"[1, null, {}]", b'[{"labels": 1}]', b"[" * 100_000),
        b'[{"labels": {"alertname": "X"}, "fingerprint": 1, "status": []}]',
        b'[{"labels": {"alertname": "X"}, "fingerprint": 1, "status": {"silencedBy": [[]]}}]',
    ],
)
async def test_a_peer_that_lies_is_not_believed(autojump_clock: MockClock, body: bytes) -> None:
    bench = Bench()
    bench.listings[A] = Answer(Reply.DELIVERED, "HTTP 200", body=body)

    assert (await bench.states())[0] in ("unknown", "missing")


async def test_of_a_flood_of_silences_some_are_asked_for(autojump_clock: MockClock) -> None:
    bench = Bench()
    identities = [bench.silences.add(host="h") for _ in range(10_000)]
    bench.lists(A, state="suppressed", silencedBy=identities)
    (alert,) = bench.ledger.outbox.store.alerts.values()
    others = [_item({"alertname": str(number)}, str(number)) for number in range(10_000)]
    bench.listings[B] = _list(*others, _item(alert.payload.labels))

    assert await bench.states() == ["silenced", "active"]
    assert len(bench.silences.log) == standings.MAX_SILENCES


def _alert(*at: dict[str, Any], **peers: str) -> dict[str, Any]:
    return {"at_peers": [*at], "peers": {A: "delivered", B: "delivered"} | peers}


def _at(url: str, state: str, **more: Any) -> dict[str, Any]:
    return {"url": url, "state": state, "silences": [], "inhibited_by": [], **more}


def _silence(until_resolved: bool = False, comment: str = "RAID") -> dict[str, Any]:
    return {
        "id": "1",
        "created_by": "kim",
        "comment": comment,
        "ends_at": "14:30",
        "until_resolved": until_resolved,
    }


@pytest.mark.parametrize(
    ("alert", "words"),
    [
        ({}, []),
        (_alert(_at(A, "active"), _at(B, "active")), []),
        (_alert(_at(A, "active"), _at(B, "unknown")), []),
        (
            _alert(*(_at(url, "silenced", silences=[_silence()]) for url in (A, B))),
            ["silenced until 14:30 by kim: RAID"],
        ),
        (
            _alert(_at(A, "silenced", silences=[_silence(), _silence()]), _at(B, "active")),
            ["at 127.0.0.1:9093: silenced until 14:30 by kim: RAID, and 1 more"],
        ),
        (
            _alert(_at(A, "silenced", silences=[_silence(True, "until resolved: 4711: x")])),
            ["silenced until it is over by kim: 4711: x"],
        ),
        (_alert(_at(A, "silenced")), ["silenced"]),
        (
            _alert(_at(A, "inhibited", inhibited_by=["Host down", "Host down"])),
            ["held back by Host down"],
        ),
        (_alert(_at(A, "muted")), ["muted by a time interval"]),
        (_alert(_at(A, "missing")), ["taken, but not listed there"]),
        (_alert(_at(A, "missing"), **{A: "pending"}), []),
    ],
)
def test_why_an_alert_is_not_mailed_in_words(alert: dict[str, Any], words: list[str]) -> None:
    assert in_words(alert, str) == words


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    assert at_peer(A, None) == _at(A, "unknown")
