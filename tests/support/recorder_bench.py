"""A bench for recorder and senders in virtual time. The test scripts the ledger and the peers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar
from zoneinfo import ZoneInfo

import pytest
import trio
import trio.testing
from attrs import define, field
from trio.testing import wait_all_tasks_blocked

from supervisor.config.service import Alertmanager, Module, Service
from supervisor.delivery.peer import PeerStatus
from supervisor.delivery.sender import Sender
from supervisor.delivery.silences.keeper import Keeper
from supervisor.delivery.silences.waiting import WaitingSilences
from supervisor.errors import LedgerError
from supervisor.host.threads import Call, Worker
from supervisor.ledger.changes import Changes
from supervisor.ledger.cursors import Cursors
from supervisor.ledger.database import Ledger
from supervisor.ledger.outbox import Outbox
from supervisor.ledger.store import Store
from supervisor.observations import Condition, Duration, Observation, Run
from supervisor.recorder.messages import Message
from supervisor.recorder.recorder import Recorder
from supervisor.recorder.writer import Writer
from supervisor.stats.module_stats import ModuleStats
from tests.support.fake_client import START, FakeClient
from tests.support.patience import Patience
from tests.support.virtual_clock import VirtualClock

ONE = "http://one.example.invalid:9093"
TWO = "http://two.example.invalid:9093"
MODULE = Module(check="fake", name="m", every=Duration(60))
_Result = TypeVar("_Result")


def full(instance: str = "/", message: str = "it is full", **more: Any) -> Condition:
    return Condition("Disk usage", more.pop("event_type", "W"), instance, message, **more)


@define
class FakeLedger(Ledger):
    """Keeps what was committed in memory."""

    path: Path = Path("ledger")
    """Where the file would be."""

    error: LedgerError | None = None
    """Raised by each commit, as long as there is one."""

    commits: list[Changes] = field(factory=list)
    """What was committed."""

    attempts: int = 0
    """How many commits were tried."""

    on_commit: Callable[[], None] = lambda: None
    """Called at the beginning of each commit."""

    def __attrs_post_init__(self) -> None:
        """Open nothing."""

    def commit(self, changes: Changes) -> None:
        self.attempts += 1
        self.on_commit()
        if self.error is not None:
            raise self.error
        kept = Changes()
        kept.update(changes)
        self.commits.append(kept)

    def close(self) -> None:
        """Nothing is open."""


@define
class RecorderBench:
    """The pipeline of one service with one module, `m`."""

    service: Service
    clock: VirtualClock
    recorder: Recorder
    ledger: FakeLedger
    send: trio.MemorySendChannel[Message]
    receive: trio.MemoryReceiveChannel[Message]
    clients: dict[str, FakeClient]
    peers: dict[str, PeerStatus]
    waiting: WaitingSilences = field(factory=lambda: WaitingSilences(Path("/nonexistent/x.json")))
    jitter: float = 1.0
    runs: int = 0
    answered: Callable[[bool], None] = lambda _taken: None

    @classmethod
    def make(cls, *urls: str, resend: float = 60.0, **settings: Any) -> Self:
        """Return a bench with these peers. Nothing runs before `live`."""
        alertmanager = Alertmanager(urls=urls, **settings)
        service = Service(
            Path("X.toml"),
            "X",
            ZoneInfo("UTC"),
            resend_interval=Duration(resend),
            labels={"host": "h"},
            alertmanager=alertmanager,
            modules=(MODULE,),
        )
        clock = VirtualClock(START - trio.current_time())
        ledger = FakeLedger()
        outbox = Outbox.of(service)
        writer = Writer(ledger, outbox, clock)
        recorder = Recorder(outbox, writer, clock, {"m": ModuleStats("m", "fake")})
        send, receive = trio.open_memory_channel[Message](256)
        clients = {url: FakeClient(url, alertmanager, clock=clock) for url in urls}
        peers = {url: PeerStatus(url) for url in urls}
        return cls(
            service=service,
            clock=clock,
            recorder=recorder,
            ledger=ledger,
            send=send,
            receive=receive,
            clients=clients,
            peers=peers,
        )

    @classmethod
    async def started(cls, nursery: trio.Nursery, *urls: str, **settings: Any) -> Self:
        """Return a bench with these peers that runs."""
        bench = cls.make(*urls, **settings)
        await bench.live(nursery)
        return bench

    @property
    def outbox(self) -> Outbox:
        return self.recorder.outbox

    @property
    def store(self) -> Store:
        return self.outbox.store

    @property
    def cursors(self) -> Cursors:
        return self.outbox.cursors

    @property
    def own(self) -> dict[str, str]:
        """The supervisor's own conditions that fire: instance by alertname."""
        return dict(self.store.sightings.get("supervisor", {}).keys())

    def seconds(self) -> float:
        return round(self.clock.now() - START, 3)

    async def live(self, nursery: trio.Nursery) -> None:
        """Start the recorder and a sender for each peer."""
        nursery.start_soon(self.recorder.record, self.receive)
        for url, client in self.clients.items():
            sender = Sender(
                peer=self.peers[url],
                client=client,
                outbox=self.outbox,
                clock=self.clock,
                send=self.send,
                changed=self.recorder.changed,
                jitter=lambda: self.jitter,
                silences=Keeper(
                    peer=self.peers[url],
                    client=client,
                    store=self.store,
                    clock=self.clock,
                    waiting=self.waiting,
                ),
                answered=self.answered,
            )
            nursery.start_soon(sender.deliver)
        await wait_all_tasks_blocked()

    async def see(self, *observations: Observation, error: str = "") -> None:
        """Send a run that has seen this, and wait until nothing moves."""
        await self.send.send(self.run(*observations, error=error))
        await wait_all_tasks_blocked()

    def run(self, *observations: Observation, error: str = "") -> Run:
        self.runs += 1
        now = self.clock.now()
        return Run(
            module="m",
            scheduled=START + self.runs,
            started=now,
            seconds=0.01,
            observations=tuple(observations),
            error=error,
        )

    async def until(self, second: float) -> None:
        """Let virtual time pass until shortly after this second since the start."""
        await trio.sleep(second - self.seconds() + 0.001)


async def eventually(condition: Callable[[], bool], within: float = 5.0) -> None:
    """Wait in real time until something is so."""
    patience = Patience(within)
    while not condition():
        assert not patience.is_over(), f"it is not so within {within} s"
        await trio.sleep(0.002)


async def _at_once(function: Callable[..., _Result], *arguments: object, **_: object) -> _Result:
    await trio.lowlevel.checkpoint()
    return function(*arguments)


def _call_at_once(_worker: Worker, function: Callable[[], _Result]) -> Call[_Result]:
    call = Call(function)
    call.run()
    return call


def replace_threads(patch: pytest.MonkeyPatch) -> None:
    """Run what goes to a thread in the loop: a virtual clock does not wait for threads."""
    patch.setattr(trio.to_thread, "run_sync", _at_once)
    patch.setattr(Worker, "start", lambda _worker: None)
    patch.setattr(Worker, "call", _call_at_once)


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run what goes to a thread in the loop."""
    replace_threads(monkeypatch)


def run_virtually(function: Callable[[], Any]) -> Any:
    """Run an async function in virtual time and without threads, for tests with `@given`."""
    with pytest.MonkeyPatch.context() as patch:
        replace_threads(patch)
        return trio.run(function, clock=trio.testing.MockClock(autojump_threshold=0))
