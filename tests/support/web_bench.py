"""A supervisor's state as the status page sees it, made to order and served on a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
import trio
from attrs import define, field

from supervisor.config.service import Module, StatusListener
from supervisor.control.snapshot import Snapshot
from supervisor.delivery.peer import PeerStatus
from supervisor.host.clock import Clock
from supervisor.observations import Condition, Duration, Measurement, Report, Run
from supervisor.stats.module_stats import ModuleStats, fit
from supervisor.stats.recent_runs import KEPT
from supervisor.web.app import make_app
from supervisor.web.server import WebServer
from tests.support.ledger_bench import A, LedgerBench, service_of

NOON = 1_795_402_800.0
"""12:00 on 23 November 2026 in Seoul."""

LISTEN = "127.0.0.1:9477"


def modules(count: int, every: float = 60) -> tuple[Module, ...]:
    checks = ("disk", "inode", "connection", "command", "session")
    return tuple(
        Module(checks[number % 5], f"{checks[number % 5]}-{number}", every=Duration(every))
        for number in range(count)
    )


@define
class BenchClock(Clock):
    """Shows the time of a bench."""

    ledger: LedgerBench

    def now(self) -> float:
        return self.ledger.now


@define
class WebBench:
    """A bench with modules and peers."""

    ledger: LedgerBench
    stats: dict[str, ModuleStats] = field(factory=dict)
    peers: list[PeerStatus] = field(factory=list)
    recorded: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)

    @classmethod
    def make(
        cls,
        *given: Module,
        urls: tuple[str, ...] = (A,),
        status: StatusListener = StatusListener(listen=LISTEN),  # noqa: B008 - frozen
    ) -> WebBench:
        ledger = LedgerBench(service_of(*given, urls=urls, status=status), NOON)
        bench = cls(
            ledger, peers=[PeerStatus(url, version="0.28.1", last_success=NOON) for url in urls]
        )
        fit(bench.stats, ledger.service)
        return bench

    @property
    def snapshot(self) -> Snapshot:
        return Snapshot(
            self.ledger.outbox,
            BenchClock(self.ledger),
            self.stats,
            lambda: tuple(self.peers),
            lambda: 40960,
        )

    def run(self, name: str, *seen: Condition | Report | Measurement, **more: object) -> None:
        """Let a module have run now."""
        values: Mapping[str, object] = {"seconds": 0.012, **more}
        run = Run(name, self.ledger.now, self.ledger.now, observations=seen, **values)  # type: ignore[arg-type]  # any of its fields
        module = next(each for each in self.ledger.service.modules if each.name == name)
        self.ledger.work(lambda update: update.record(module, run, None))
        self.stats[name].finish(run)
        self.stats[name].next_run = self.ledger.now + (module.every or 60)
        self.recorded.unpark_all()

    def fill(self, every: float = 60, failing: float = 0.0) -> None:
        """Give each module a hundred past runs, some of them failed."""
        for number, stats in enumerate(self.stats.values()):
            for past in range(KEPT, 0, -1):
                chance = (past * 37 + number * 11) % 100
                seconds = 0.01 * (1 + chance / 60) * (9 if chance == 7 else 1)
                at = self.ledger.now - past * every + number % every
                error = "it broke" if chance < 100 * failing else ""
                stats.finish(Run(stats.name, at, at, seconds, (), error))
            stats.next_run = self.ledger.now + number % every


@asynccontextmanager
async def served(bench: WebBench) -> AsyncIterator[str]:
    """Serve the bench; give its URL."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    server = WebServer(make_app(bench.snapshot, bench.recorded, lambda: 0))
    async with trio.open_nursery() as nursery:
        await nursery.start(server.serve, [listener])
        host, port = listener.socket.getsockname()[:2]
        yield f"http://{host}:{port}"
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def client_of(bench: WebBench, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the bench, and give a client of it."""
    async with (
        served(bench) as url,
        httpx.AsyncClient(base_url=url, trust_env=False, headers=headers) as client,
    ):
        yield client
