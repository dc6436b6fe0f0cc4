"""The requests about silences to one Alertmanager."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar
from urllib.parse import quote

from attrs import frozen

from supervisor.delivery.peer import STATUS_PATH
from supervisor.delivery.replies import Answer, Reply
from supervisor.delivery.silences.silence import Silence, decoded, read_id, read_list, read_one
from supervisor.errors import NoThread, SupervisorError
from supervisor.host.clock import Clock
from supervisor.host.threads import in_thread

if TYPE_CHECKING:
    from supervisor.delivery.client import Client

Connect: TypeAlias = Callable[[], Sequence["Client"]]
"""Returns a new client for each peer. Blocks to read certificates. Raises `SupervisorError`."""

T = TypeVar("T")

MAX_LIST_BYTES = 8 * 1024 * 1024
"""Bytes of a list of silences that are read: about 15,000 silences."""

MAX_STATUS_BYTES = 8 * 1024 * 1024
"""Bytes of a peer's status that are read. It holds the peer's whole configuration."""

IN_LOOP_BYTES = 64 * 1024
"""A longer answer is read in a thread, so that other tasks need not wait."""


class NotAnswered(SupervisorError):
    """A peer did not do what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.is_missing = answer.reason == "HTTP 404"
        """Whether the peer says that there is no such thing."""

        self.passes = answer.reply is Reply.RETRY
        """Whether the same request may succeed later."""
        super().__init__(str(answer))


@frozen
class PeerInCluster:
    """A peer that answers, and the cluster that it is in."""

    client: Client
    """Talks to it."""

    name: str
    """Its name in the cluster. Empty without a cluster."""

    members: frozenset[str]
    """The names of all members that it knows."""

    skew: float
    """Seconds by which its clock is ahead of ours."""

    @property
    def url(self) -> str:
        """Its address."""
        return self.client.url


@frozen
class Requests:
    """Asks one peer. Each method raises `NotAnswered`, or `AnswerUnreadable`."""

    client: Client
    clock: Clock

    async def cluster(self) -> PeerInCluster:
        """Return which cluster it is in."""
        now = self.clock.now()
        answer = _successful(await self.client.get(STATUS_PATH, now, MAX_STATUS_BYTES))
        status = await read(decoded, answer.body)
        found = status.get("cluster") if isinstance(status, dict) else None
        cluster = found if isinstance(found, dict) else {}
        peers = cluster.get("peers")
        return PeerInCluster(
            client=self.client,
            name=str(cluster.get("name") or ""),
            members=frozenset(
                str(peer.get("name"))
                for peer in (peers if isinstance(peers, list) else [])
                if isinstance(peer, dict)
            ),
            skew=0.0 if answer.date is None else answer.date - self.clock.now(),
        )

    async def all(self, matcher: str = "") -> list[Silence]:
        """Return its silences. With a matcher return those that have the same one."""
        query = f"?filter={quote(matcher)}" if matcher else ""
        return await self._read(f"/api/v2/silences{query}", read_list, MAX_LIST_BYTES)

    async def one(self, identity: str) -> Silence:
        """Return one silence."""
        return await self._read(_path(identity), read_one, IN_LOOP_BYTES)

    async def put(self, silence: Silence) -> str:
        """Make or change a silence. Return its ID."""
        answer = await self.client.change(
            "POST", "/api/v2/silences", self.clock.now(), silence.body()
        )
        return read_id(_successful(answer).body)

    async def end(self, identity: str) -> None:
        """End a silence. One that has ended already is no error."""
        _successful(await self.client.change("DELETE", _path(identity), self.clock.now()))

    async def _read(self, path: str, reader: Callable[[bytes], T], most: int) -> T:
        answer = _successful(await self.client.get(path, self.clock.now(), most))
        return await read(reader, answer.body)


async def read(reader: Callable[[bytes], T], body: bytes) -> T:
    """Return what the reader makes of an answer. One that is long is read in a thread."""
    if len(body) > IN_LOOP_BYTES:
        with suppress(NoThread):
            return await in_thread(partial(reader, body))
    return reader(body)


@asynccontextmanager
async def connected(connect: Connect) -> AsyncIterator[Sequence[Client]]:
    """Connect to all peers for some requests. Raises `SupervisorError`."""
    clients = await in_thread(connect)
    async with AsyncExitStack() as stack:
        for client in clients:
            await stack.enter_async_context(client)
        yield clients


def _successful(answer: Answer) -> Answer:
    if answer.reply is not Reply.DELIVERED:
        raise NotAnswered(answer)
    return answer


def _path(identity: str) -> str:
    return f"/api/v2/silence/{quote(identity, safe='')}"
