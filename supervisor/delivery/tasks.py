"""One sender for each Alertmanager. A reload may end them and start others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import trio
from attrs import define, field

from supervisor.config.service import Service
from supervisor.delivery.fallback.tasks import FallbackTask
from supervisor.delivery.peer import PeerStatus
from supervisor.delivery.silences.waiting import WaitingSilences
from supervisor.host.clock import Clock
from supervisor.ledger.outbox import Outbox
from supervisor.recorder.messages import Message

if TYPE_CHECKING:
    from supervisor.delivery.client import Client
    from supervisor.delivery.fallback.channels import FindSender


@define(eq=False, repr=False, kw_only=True)
class PeerTasks:
    """Delivers the outbox to the peers of the configuration in force."""

    outbox: Outbox
    """What must be sent."""

    clock: Clock
    """The host's clock."""

    send: trio.MemorySendChannel[Message]
    """Leads to the recorder."""

    changed: trio.lowlevel.ParkingLot
    """Wakes the senders when the outbox has changed."""

    jitter: Callable[[], float]
    """Returns a number from 0 to 1."""

    waiting: WaitingSilences
    """Silences that no peer has taken yet."""

    find_sender: FindSender
    """Returns what sends the messages of the fallback on a channel."""

    nursery: trio.Nursery
    """Where the senders run."""

    peers: tuple[PeerStatus, ...] = ()
    """What is known of each peer, in the order of the configuration."""

    fallback: FallbackTask = field(init=False)
    """Tells somebody when no peer takes what is owed."""

    _scope: trio.CancelScope = field(factory=trio.CancelScope)
    """Ends the senders."""

    _ended: trio.Event = field(factory=trio.Event)
    """Set when all senders have ended."""

    def __attrs_post_init__(self) -> None:
        self.fallback = FallbackTask(
            outbox=self.outbox,
            peers=lambda: self.peers,
            clock=self.clock,
            send=self.send,
            waiting=self.waiting,
            find_sender=self.find_sender,
            nursery=self.nursery,
        )

    def start(self, clients: Sequence[Client]) -> None:
        """Begin to deliver. What is known of a peer with the same URL is kept."""
        known = {peer.url: peer for peer in self.peers}
        self.peers = tuple(known.get(client.url) or PeerStatus(client.url) for client in clients)
        self._scope, self._ended = trio.CancelScope(), trio.Event()
        self.nursery.start_soon(self._deliver, clients, name="delivery")

    async def end(self) -> None:
        """Stop delivering. The next senders send again what is in flight."""
        self._scope.cancel()
        await self._ended.wait()

    async def _deliver(self, clients: Sequence[Client]) -> None:
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    for peer, client in zip(self.peers, clients, strict=True):
                        nursery.start_soon(self._send, peer, client, name=f"sender {peer.url}")
        finally:
            self._ended.set()

    async def _send(self, peer: PeerStatus, client: Client) -> None:
        from supervisor.delivery.sender import Sender  # not needed without Alertmanagers
        from supervisor.delivery.silences.keeper import Keeper

        silences = Keeper(
            peer=peer,
            client=client,
            store=self.outbox.store,
            clock=self.clock,
            waiting=self.waiting,
        )
        async with client:
            await Sender(
                peer=peer,
                client=client,
                outbox=self.outbox,
                clock=self.clock,
                send=self.send,
                changed=self.changed,
                jitter=self.jitter,
                silences=silences,
                answered=self.fallback.answered,
            ).deliver()


def connect(service: Service) -> list[Client]:
    """Return a client for each peer. Blocks to read certificates. Raises `SupervisorError`."""
    if not service.alertmanager.urls:
        return []
    from supervisor.delivery.client import Client  # httpx takes 3 MiB

    return [Client(url, service.alertmanager) for url in service.alertmanager.urls]
