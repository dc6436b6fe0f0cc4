"""Which peers answer, and which share their silences: in a cluster, silences are gossiped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import trio
from attrs import define, field

from supervisor.delivery.silences.requests import NotAnswered, PeerInCluster, Requests
from supervisor.delivery.silences.silence import AnswerUnreadable
from supervisor.host.clock import Clock

if TYPE_CHECKING:
    from supervisor.delivery.client import Client


@define
class Answering:
    """The peers that answer, and why the others do not."""

    peers: list[PeerInCluster] = field(factory=list)
    failed: dict[str, str] = field(factory=dict)
    """Why each other peer does not, by its address."""

    silent: set[str] = field(factory=set)
    """The addresses of those that may answer later."""


async def ask_all(clients: Sequence[Client], clock: Clock) -> Answering:
    """Ask all peers at the same time which cluster they are in."""
    found: dict[str, PeerInCluster] = {}
    answering = Answering()

    async def ask(client: Client) -> None:
        try:
            found[client.url] = await Requests(client, clock).cluster()
        except (NotAnswered, AnswerUnreadable) as error:
            answering.failed[client.url] = str(error)
            if isinstance(error, NotAnswered) and error.passes:
                answering.silent.add(client.url)

    async with trio.open_nursery() as nursery:
        for client in clients:
            nursery.start_soon(ask, client)
    answering.peers = [found[client.url] for client in clients if client.url in found]
    return answering


def clusters(peers: Sequence[PeerInCluster]) -> list[list[PeerInCluster]]:
    """Return the peers by cluster. A peer without one is a cluster of its own."""
    groups: list[list[PeerInCluster]] = []
    for peer in peers:
        for group in groups:
            if any(_know_each_other(peer, other) for other in group):
                group.append(peer)
                break
        else:
            groups.append([peer])
    return groups


def _know_each_other(one: PeerInCluster, other: PeerInCluster) -> bool:
    return bool(one.name and other.name) and (
        one.name in other.members or other.name in one.members
    )
