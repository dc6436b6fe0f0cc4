"""Silences that no Alertmanager has taken yet: kept here until one answers.

Each sender makes them at its own peer before it posts anything there, so nothing of what they
silence is mailed. They are kept in a file of the state directory, which few hosts ever have.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from logging import getLogger
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import trio
from attrs import define, evolve, field, frozen

from supervisor.alerts.alert import Alert
from supervisor.delivery.clock_skew import shift_for
from supervisor.delivery.silences.silence import (
    ACTIVE,
    LIFETIME,
    AnswerUnreadable,
    Silence,
    read_each,
    silence_of,
)
from supervisor.errors import NoThread
from supervisor.host.state_dir import sync_directory
from supervisor.host.threads import in_thread
from supervisor.text import rfc3339

if TYPE_CHECKING:
    from supervisor.delivery.client import Client
    from supervisor.delivery.peer import PeerStatus
    from supervisor.delivery.silences.requests import PeerInCluster, Requests
    from supervisor.host.clock import Clock

NAME = "silences.json"
"""The file."""

MAX_WAITING = 100
"""Silences that can wait. One host needs one, or one for each thing that is broken."""

GOSSIP_TIMEOUT = 5.0
"""Seconds for which a sender waits until its peer has what another one of its cluster has."""

GOSSIP_INTERVAL = 0.2
"""Seconds between two looks whether it has."""

WAITING = "waiting"
"""The state of such a silence."""

_log = getLogger("supervisor.peers")


@frozen
class Waiting:
    """One silence, and where it has still to be made."""

    silence: Silence
    """What is wanted. Its ID is our own."""

    urls: frozenset[str]
    """The addresses of the peers."""

    members: frozenset[str] = frozenset()
    """The names of the cluster in which one peer has taken it. The others get it by gossip."""


@define(eq=False, repr=False)
class WaitingSilences:
    """Keeps them, across restarts, too."""

    path: Path
    """The file. It is missing while there are none."""

    _waiting: dict[str, Waiting] = field(factory=dict)
    """By our own ID."""

    _lock: trio.Lock = field(factory=trio.Lock)
    """Held while one of the senders hands over, so that a cluster gets each silence once."""

    @classmethod
    def of(cls, state_dir: Path) -> Self:
        """Read the file, if there is one. What cannot be read is told in the log. Blocks."""
        waiting = cls(state_dir / NAME)
        try:
            text = waiting.path.read_bytes()
        except FileNotFoundError:
            return waiting
        except OSError as error:
            _log.warning("cannot read the silences that wait: %s", error)
            return waiting
        try:
            found = [*read_each(json.loads(text), _waiting)]
        except (ValueError, RecursionError, AnswerUnreadable):
            _log.warning("%s is damaged: make the silences that waited again", waiting.path)
            found = []
        waiting._waiting = {each.silence.id: each for each in found[:MAX_WAITING]}
        return waiting

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self._waiting)

    def all(self, now: float) -> list[Silence]:
        """Return those that have not ended."""
        return [each.silence for each in self._waiting.values() if not each.silence.is_over(now)]

    def of_alert(self, url: str, labels: Mapping[str, str], now: float) -> list[Silence]:
        """Return those that silence an alert as soon as a peer answers."""
        return [
            each.silence
            for each in self._waiting.values()
            if url in each.urls and not each.silence.is_over(now) and each.silence.matches(labels)
        ]

    def is_silenced(self, labels: Mapping[str, str], now: float) -> bool:
        """Return whether an alert is silent as soon as some peer answers."""
        return any(each.matches(labels) for each in self.all(now))

    async def keep(
        self, wanted: Sequence[Silence], urls: Collection[str], now: float
    ) -> list[Silence]:
        """Keep silences until these peers answer. Return what waits then.

        Raises `OSError` or `NoThread`. Then nothing more waits than before.
        """
        async with self._lock:
            self._forget_ended(now)
            room = MAX_WAITING - len(self._waiting)
            kept = [
                evolve(each, id=f"{WAITING}-{os.urandom(4).hex()}", state=WAITING)
                for each in wanted[:room]
            ]
            before = {**self._waiting}
            self._waiting |= {each.id: Waiting(each, frozenset(urls)) for each in kept}
            try:
                await self._write()
            except BaseException:
                self._waiting = before
                raise
        return kept

    async def end(self, identities: Collection[str]) -> list[Silence]:
        """Forget those with these IDs, and return them. Raises `OSError`."""
        if not any(each in self._waiting for each in identities):
            return []
        async with self._lock:
            ended = [self._waiting.pop(each) for each in identities if each in self._waiting]
            await self._write()
        return [evolve(each.silence, state="expired") for each in ended]

    async def hand_over(
        self, client: Client, peer: PeerStatus, alerts: Collection[Alert], clock: Clock
    ) -> None:
        """Make at a peer what waits for it. Never raises an error.

        What the peer does not answer goes on waiting. What it refuses is told in the log.
        """
        if not any(peer.url in each.urls for each in self._waiting.values()):
            return
        from supervisor.delivery.silences.requests import NotAnswered, Requests  # few have silences

        requests = Requests(client, clock)
        async with self._lock:
            before = {**self._waiting}
            self._forget_ended(clock.now())
            mine = [each for each in self._waiting.values() if peer.url in each.urls]
            try:
                place = await requests.cluster()
                for each in mine:
                    await self._make(requests, place, each, alerts, clock)
                    peer.alive_at = trio.current_time()
                    peer.has_new_silences |= each.silence.is_until_resolved
            except NotAnswered as error:
                if not error.passes:
                    self._give_up(peer.url, str(error))
            except AnswerUnreadable:
                pass  # not Alertmanager, but something before it, such as a proxy
            if self._waiting == before:
                return
            try:
                await self._write()
            except (OSError, NoThread) as error:
                _log.warning("cannot write the silences that wait: %s", error)

    async def _make(
        self,
        requests: Requests,
        place: PeerInCluster,
        each: Waiting,
        alerts: Collection[Alert],
        clock: Clock,
    ) -> None:
        """Make one silence at one peer, unless that has it from another one of its cluster."""
        now, silence, members = clock.now(), each.silence, each.members
        if silence.is_until_resolved:
            if not any(
                alert.is_sent_as_firing and silence.matches(alert.payload.labels)
                for alert in alerts
            ):
                self._handed_over(each, place.url, members)
                return
            silence = evolve(silence, ends_at=now + LIFETIME)
        if not await self._has(requests, silence, wait=bool(place.name and place.name in members)):
            shift = shift_for(place.skew, 0.0)
            there = evolve(
                silence, id="", starts_at=rfc3339(now + shift), ends_at=silence.ends_at + shift
            )
            identity = await requests.put(there)
            members |= place.members
            _log.info("%s: made the silence that waited: %s", place.url, identity)
        self._handed_over(each, place.url, members)

    async def _has(self, requests: Requests, silence: Silence, *, wait: bool) -> bool:
        """Return whether a peer has a silence. With `wait`, give it some time to get it."""
        until = trio.current_time() + (GOSSIP_TIMEOUT if wait else 0.0)
        while True:
            for found in await requests.all(str(silence.matchers[0])):
                if found.state in ACTIVE and _is_same(found, silence):
                    return True
            if trio.current_time() >= until:
                return False
            await trio.sleep(GOSSIP_INTERVAL)

    def _handed_over(self, each: Waiting, url: str, members: frozenset[str]) -> None:
        left = Waiting(each.silence, each.urls - {url}, members)
        if left.urls:
            self._waiting[each.silence.id] = left
        else:
            self._waiting.pop(each.silence.id, None)

    def _forget_ended(self, now: float) -> None:
        for identity, each in [*self._waiting.items()]:
            if each.silence.is_over(now):
                del self._waiting[identity]

    def _give_up(self, url: str, why: str) -> None:
        _log.warning("%s: the silences that waited are not made there: %s", url, why)
        for each in [*self._waiting.values()]:
            self._handed_over(each, url, each.members)

    async def _write(self) -> None:
        documents = [_document(each) for each in self._waiting.values()]
        await in_thread(partial(_replace, self.path, documents))


def _is_same(found: Silence, wanted: Silence) -> bool:
    return (sorted(map(str, found.matchers)), found.comment, found.created_by) == (
        sorted(map(str, wanted.matchers)),
        wanted.comment,
        wanted.created_by,
    )


def _document(each: Waiting) -> dict[str, Any]:
    status = {"status": {"state": WAITING}}
    return {"silence": json.loads(each.silence.body()) | status, "urls": sorted(each.urls)}


def _waiting(item: Any) -> Waiting:
    return Waiting(silence_of(item["silence"]), frozenset(map(str, item["urls"])))


def _replace(path: Path, documents: Sequence[Mapping[str, Any]]) -> None:
    """Write the file as a whole, or remove it. Raises `OSError`."""
    if not documents:
        path.unlink(missing_ok=True)
        return
    making = path.with_suffix(".new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    with open(os.open(making, flags, 0o600), "w", encoding="utf-8") as file:
        json.dump(documents, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    making.replace(path)
    with suppress(OSError):  # not every file system can sync a directory
        sync_directory(path.parent)
