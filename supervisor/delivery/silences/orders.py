"""What the command `silence` orders: make, list or end silences at all peers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import trio
from attrs import define, evolve, field

from supervisor.delivery.clock_skew import shift_for
from supervisor.delivery.silences.clusters import ask_all, clusters
from supervisor.delivery.silences.requests import NotAnswered, PeerInCluster, Requests
from supervisor.delivery.silences.silence import ACTIVE, AnswerUnreadable, Silence
from supervisor.host.clock import Clock
from supervisor.text import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supervisor.delivery.client import Client

GOSSIP_TIMEOUT = 5.0
"""Seconds for which the other members of a cluster may take to learn of a silence."""

GOSSIP_INTERVAL = 0.1
"""Seconds between two questions whether they have."""

_ERRORS = (NotAnswered, AnswerUnreadable)


@define
class Outcome:
    """What the peers have, after an order."""

    silences: dict[str, Silence] = field(factory=dict)
    """By ID."""

    peers: dict[str, list[str]] = field(factory=dict)
    """Where each is: addresses by ID."""

    failed: dict[str, str] = field(factory=dict)
    """What went wrong, by the address of the peer."""

    silent: set[str] = field(factory=set)
    """The addresses of the peers that did not answer now, and may answer later."""

    def has(self, silence: Silence, url: str) -> None:
        """Note that a peer has a silence."""
        self.silences[silence.id] = silence
        self.peers.setdefault(silence.id, []).append(url)


async def make(clients: Sequence[Client], wanted: Sequence[Silence], clock: Clock) -> Outcome:
    """Make silences, once in each cluster. Their times are by our clock."""
    answering = await ask_all(clients, clock)
    outcome = Outcome(failed=answering.failed, silent=answering.silent)
    for members in clusters(answering.peers):
        for place, peer in enumerate(members):
            try:
                made = await _made(peer, wanted, clock)
            except _ERRORS as error:
                outcome.failed[peer.url] = str(error)
                continue
            for silence in made:
                outcome.has(silence, peer.url)
            for other in members[place + 1 :]:
                await _await_gossip(other, peer.url, made, outcome, clock)
            break
    return outcome


async def _made(peer: PeerInCluster, wanted: Sequence[Silence], clock: Clock) -> list[Silence]:
    requests, shift = Requests(peer.client, clock), shift_for(peer.skew, 0.0)
    now, made = clock.now(), []
    for silence in wanted:
        there = evolve(silence, starts_at=rfc3339(now + shift), ends_at=silence.ends_at + shift)
        made.append(evolve(silence, id=await requests.put(there), starts_at=rfc3339(now)))
    return made


async def _await_gossip(
    peer: PeerInCluster, first: str, made: Sequence[Silence], outcome: Outcome, clock: Clock
) -> None:
    """Wait until another member has the silences. Then its sender will find them, too."""
    requests = Requests(peer.client, clock)
    why = f"it does not have it yet; it gets it from {first}"
    with trio.move_on_after(GOSSIP_TIMEOUT):
        for silence in made:
            while True:
                try:
                    await requests.one(silence.id)
                    outcome.has(silence, peer.url)
                    break
                except NotAnswered as error:
                    if not error.is_missing:
                        outcome.failed[peer.url] = f"{why}: {error}"
                        return
                except AnswerUnreadable as error:
                    outcome.failed[peer.url] = f"{why}: {error}"
                    return
                await trio.sleep(GOSSIP_INTERVAL)
        return
    outcome.failed[peer.url] = why


async def listed(clients: Sequence[Client], labels: Mapping[str, str], clock: Clock) -> Outcome:
    """Return the silences that may silence alerts with these labels and others besides."""
    outcome = Outcome()

    async def ask(client: Client) -> None:
        try:
            found = await Requests(client, clock).all()
        except _ERRORS as error:
            outcome.failed[client.url] = str(error)
            return
        for silence in found:
            if silence.state in ACTIVE and silence.may_match(labels):
                outcome.has(silence, client.url)

    async with trio.open_nursery() as nursery:
        for client in clients:
            nursery.start_soon(ask, client)
    return outcome


async def end(clients: Sequence[Client], identities: Sequence[str], clock: Clock) -> Outcome:
    """End silences wherever they are."""
    outcome = Outcome()
    for client in clients:
        requests = Requests(client, clock)
        for identity in identities:
            try:
                silence = await requests.one(identity)
                if silence.state in ACTIVE:
                    await requests.end(identity)
            except NotAnswered as error:
                if not error.is_missing:
                    outcome.failed[client.url] = str(error)
                    break
            except AnswerUnreadable as error:
                outcome.failed[client.url] = str(error)
                break
            else:
                outcome.has(evolve(silence, state="expired"), client.url)
    return outcome
