"""Some Alertmanagers with silences of their own, or with those of their cluster, for tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import trio
from attrs import define, field

from supervisor.config.service import Alertmanager
from supervisor.delivery.replies import Answer, Reply
from supervisor.delivery.silences import orders
from supervisor.delivery.silences.silence import Matcher, Silence
from supervisor.text import rfc3339
from tests.support.fake_client import START, FakeClient
from tests.support.fake_silences import FakeSilences
from tests.support.virtual_clock import VirtualClock

WANTED = Silence(
    matchers=(Matcher("host", "h"),),
    starts_at=rfc3339(START),
    ends_at=START + 7200,
    created_by="kim",
    comment="RAID rebuild",
)


@define
class Peers:
    """Some peers, and which of them are in one cluster."""

    urls: Sequence[str]
    in_cluster: Sequence[str] = ()
    clock: VirtualClock = field(factory=lambda: VirtualClock(START - trio.current_time()))
    clients: list[FakeClient] = field(init=False)
    silences: dict[str, FakeSilences] = field(init=False)

    def __attrs_post_init__(self) -> None:
        shared = FakeSilences(self.clock.now)
        self.silences = {
            url: shared if url in self.in_cluster else FakeSilences(self.clock.now)
            for url in self.urls
        }
        self.clients = [self._client(url) for url in self.urls]

    def _client(self, url: str) -> FakeClient:
        cluster: dict[str, Any] = {"peers": [], "status": "disabled"}
        if url in self.in_cluster:
            cluster = {"name": url, "peers": [{"name": each} for each in self.in_cluster]}
        body = json.dumps({"cluster": cluster}).encode()
        client = FakeClient(url, Alertmanager(urls=(url,)), clock=self.clock)
        client.greeting = Answer(Reply.DELIVERED, "HTTP 200", body=body)
        client.silences = self.silences[url]
        return client

    def has(self, url: str) -> list[dict[str, Any]]:
        """Return the silences that a peer has."""
        return [*self.silences[url].silences.values()]

    def client(self, url: str) -> FakeClient:
        return next(each for each in self.clients if each.url == url)

    async def make(self, *wanted: Silence) -> orders.Outcome:
        return await orders.make(self.clients, wanted or (WANTED,), self.clock)
