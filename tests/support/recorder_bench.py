"""A bench for recorder and senders in virtual time. The test scripts the ledger and the peers."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar
from zoneinfo import ZoneInfo

import pytest
import trio
import trio.testing
from attrs import define, field, frozen
from trio.testing import wait_all_tasks_blocked

from supervisor.config.service import Alertmanager, Module, Service
from supervisor.delivery.client import Client
from supervisor.delivery.peer import PeerStatus
from supervisor.delivery.replies import Answer, Reply
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
from tests.support.patience import Patience
from tests.support.virtual_clock import VirtualClock

START = 1_700_000_000.0
ONE = "http://one.example.invalid:9093"
TWO = "http://two.example.invalid:9093"
MODULE = Module(check="fake", name="m", every=Duration(60))
_Result = TypeVar("_Result")

OK = Answer(Reply.DELIVERED, "HTTP 200")
NO_SILENCES = Answer(Reply.DELIVERED, "HTTP 200", body=b"[]")
BUSY = Answer(Reply.RETRY, "HTTP 503")
FORBIDDEN = Answer(Reply.MISCONFIGURED, "HTTP 403")
TOO_SLOW = Answer(Reply.RETRY, "timeout")
REFUSED = Answer(Reply.SPLIT, "HTTP 400", '"bad label"')


def full(instance: str = "/", message: str = "it is full", **more: Any) -> Condition:
    return Condition("Disk usage", more.pop("event_type", "W"), instance, message, **more)


@frozen
class Post:
    """One batch that a peer was sent."""

    at: float
    """When it was sent, in seconds since the start."""

    alerts: list[dict[str, Any]]
    """What it held, decoded."""

    @property
    def names(self) -> list[str]:
        return [alert["labels"]["alertname"] for alert in self.alerts]

    @property
    def instances(self) -> list[str]:
        return [alert["labels"].get("instance", "") for alert in self.alerts]


@define
class FakeClient(Client):
    """A client of a peer whose answers the test scripts."""

    clock: VirtualClock = field(kw_only=True)
    """Our clock."""

    respond: Callable[[Post], Answer] = lambda _post: OK
    """Returns the answer to a post."""

    greeting: Answer = OK
    """The answer to the question for version and time."""

    seconds: float = 0.0
    """How long each request takes."""

    skew: float | None = None
    """Seconds by which the peer's clock is ahead. None for answers without a date."""

    hangs: Callable[[Post], bool] = lambda _post: False
    """Returns whether a post is never answered."""

    bytes_per_second: float = math.inf
    """What the way to the peer carries."""

    posts: list[Post] = field(factory=list)
    """All that was posted."""

    requests: list[tuple[int, float]] = field(factory=list)
    """The bytes and the time limit of each post."""

    in_flight: int = 0
    """How many requests are in flight. More than one is an error."""

    silences: Callable[[str, str, bytes], Answer] = lambda _method, _path, _body: NO_SILENCES
    """Returns the answer to a request about silences."""

    async def get(self, path: str, now: float, max_bytes: int = 0) -> Answer:
        if path.startswith("/api/v2/silence"):
            return await self._answer(lambda: self.silences("GET", path, b""))
        assert path == "/api/v2/status"
        return await self._answer(lambda: self.greeting)

    async def change(self, method: str, path: str, now: float, body: bytes = b"") -> Answer:
        return await self._answer(lambda: self.silences(method, path, body))

    async def post(
        self,
        alerts: list[bytes],
        now: float,
        on_sent: Callable[[], None] | None = None,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as the real one
    ) -> Answer:
        assert abs(now - self.clock.now()) < 1
        post = Post(round(now - START, 3), [json.loads(alert) for alert in alerts])
        self.posts.append(post)
        size = sum(map(len, alerts))
        limit = self.settings.timeout if timeout is None else timeout
        self.requests.append((size, limit))
        if self.hangs(post) or size / self.bytes_per_second > limit:
            return await self._answer(lambda: TOO_SLOW, on_sent, limit)
        return await self._answer(
            lambda: self.respond(post), on_sent, self.seconds + size / self.bytes_per_second
        )

    async def _answer(
        self,
        respond: Callable[[], Answer],
        on_sent: Callable[[], None] | None = None,
        seconds: float | None = None,
    ) -> Answer:
        self.in_flight += 1
        assert self.in_flight == 1, "a second request while one is in flight"
        await trio.lowlevel.checkpoint()
        if on_sent:
            on_sent()
        await trio.sleep(self.seconds if seconds is None else seconds)
        self.in_flight -= 1
        found = respond()
        date = None if self.skew is None else self.clock.now() + self.skew
        return Answer(
            reply=found.reply,
            reason=found.reason,
            detail=found.detail,
            retry_after=found.retry_after,
            date=found.date or date,
            body=found.body,
        )

    def sent(self, name: str) -> list[tuple[float, dict[str, Any]]]:
        """Return the alerts of one name with the times at which they were sent."""
        return [
            (post.at, alert)
            for post in self.posts
            for alert in post.alerts
            if alert["labels"]["alertname"] == name
        ]


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


def moment(text: str) -> float:
    """Return seconds since the start of an RFC 3339 time."""
    from datetime import datetime

    return round(datetime.fromisoformat(text).timestamp() - START, 3)


def spans(alerts: Iterable[dict[str, Any]]) -> Iterator[tuple[float, float]]:
    """Yield startsAt and endsAt of each alert in seconds since the start."""
    return ((moment(alert["startsAt"]), moment(alert["endsAt"])) for alert in alerts)
