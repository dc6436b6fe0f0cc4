"""Keeps the task of the fallback while the service file has one. A reload may change that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import trio
from attrs import define, field

from supervisor.config.fallback.fallback import Fallback
from supervisor.delivery.peer import PeerStatus
from supervisor.delivery.silences.waiting import WaitingSilences
from supervisor.host.clock import Clock
from supervisor.ledger.outbox import Outbox
from supervisor.recorder.messages import Message

if TYPE_CHECKING:
    from supervisor.delivery.fallback.channels import FindSender, Send
    from supervisor.delivery.fallback.last_resort import LastResort


@define(eq=False, repr=False, kw_only=True)
class FallbackTask:
    """Starts, changes and ends the fallback. Without `[fallback]` it does nothing."""

    outbox: Outbox
    """The alerts, and the configuration in force."""

    peers: Callable[[], Sequence[PeerStatus]]
    """Returns what is known of the peers."""

    clock: Clock
    """The host's clock."""

    send: trio.MemorySendChannel[Message]
    """Leads to the recorder."""

    waiting: WaitingSilences
    """Silences that no peer has taken yet. What they silence is not told."""

    nursery: trio.Nursery
    """Where the task runs."""

    find_sender: FindSender
    """Returns what sends messages on a channel."""

    last_resort: LastResort | None = None
    """What runs. None: the service file has no fallback."""

    _scope: trio.CancelScope = field(factory=trio.CancelScope)
    """Ends the task."""

    def answered(self, taken: bool) -> None:
        """Tell the fallback that a post to a peer has ended."""
        if self.last_resort is not None:
            self.last_resort.answered(taken)

    def end(self) -> None:
        """End the task, if it runs."""
        self._scope.cancel()
        self.last_resort = None

    def apply(self) -> None:
        """Start the task, or adapt it, if the configuration in force has a fallback."""
        settings = self.outbox.store.service.fallback
        if settings is None:
            return
        if self.last_resort is not None:
            self.last_resort.reconfigure(settings)
        else:
            from supervisor.delivery.fallback.last_resort import LastResort  # few services need it

            self._scope = trio.CancelScope()
            self.last_resort = LastResort(
                settings=settings,
                outbox=self.outbox,
                peers=self.peers,
                clock=self.clock,
                send=self.send,
                waiting=self.waiting,
                find_sender=self.find_sender,
            )
            self.nursery.start_soon(self._watch, self.last_resort, self._scope, name="fallback")

    async def _watch(self, last_resort: LastResort, scope: trio.CancelScope) -> None:
        with scope:
            await last_resort.watch()


def sender(settings: Fallback, channel: str) -> Send:
    """Return what sends messages on a channel: by mail, or by a command."""
    from supervisor.delivery.fallback import channels  # few services need it

    return channels.sender(settings, channel)
