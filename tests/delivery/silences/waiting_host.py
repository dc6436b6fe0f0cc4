"""A host with peers and silences that wait for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from trio.testing import MockClock

from supervisor.delivery.peer import PeerStatus
from supervisor.delivery.silences.waiting import WaitingSilences
from tests.support.ledger_bench import LedgerBench
from tests.support.recorder_bench import ONE, TWO
from tests.support.silent_peers import WANTED, Peers


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
