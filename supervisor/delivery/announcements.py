"""What a sender says about its peer: self-alerts through the channel to the recorder."""

from __future__ import annotations

import math
from contextlib import suppress

import trio
from attrs import define

from supervisor.alerts.alert import SUPERVISOR
from supervisor.alerts.self_alerts import (
    ALERT_REJECTED,
    PEER_CLOCK_SKEW,
    PEER_MISCONFIGURED,
    SelfAlert,
    SelfAlertKind,
)
from supervisor.ledger.store import Store
from supervisor.recorder.messages import Message

STEADY_AFTER = 300.0
"""Seconds without its cause after which `PeerMisconfigured` ends, if it has come back soon."""


@define(eq=False, repr=False, kw_only=True)
class Announcements:
    """Raises and ends the self-alerts about one peer, if that changes anything."""

    url: str
    """The peer's address."""

    store: Store
    """Knows which self-alerts are raised."""

    send: trio.MemorySendChannel[Message]
    """Leads to the recorder."""

    _ended_at: float = -math.inf
    """trio's time at which `PeerMisconfigured` ended last."""

    _wrong_at: float = -math.inf
    """trio's time of the last cause for it."""

    _comes_and_goes: bool = False
    """Whether it was raised again soon after its end."""

    def misconfigured(self, message: str | None) -> None:
        """Raise or end `PeerMisconfigured`. A cause that comes and goes does not end it."""
        now = trio.current_time()
        is_raised = self._is_raised(PEER_MISCONFIGURED)
        if message is not None:
            if not is_raised:
                self._comes_and_goes = now - self._ended_at < STEADY_AFTER
            self._wrong_at = now
        elif is_raised:
            if self._comes_and_goes and now - self._wrong_at < STEADY_AFTER:
                return
            self._ended_at = now
        self._raise_or_end(PEER_MISCONFIGURED, message)

    def clock(self, message: str | None, *, renewed: bool) -> None:
        """Raise or end `PeerClockSkew`. `renewed` says that its message has changed."""
        self._raise_or_end(PEER_CLOCK_SKEW, message, renewed=renewed)

    async def rejected(self, module: str, message: str) -> None:
        """Raise `AlertRejected` about a module, and wait while the channel is full."""
        await self.send.send(SelfAlert(ALERT_REJECTED, message, module))

    def tell(self, message: Message) -> None:
        """Send a message. If the channel is full, the next answer leads to the same message."""
        with suppress(trio.WouldBlock):
            self.send.send_nowait(message)

    def _raise_or_end(
        self, kind: SelfAlertKind, message: str | None, *, renewed: bool = False
    ) -> None:
        if self._is_raised(kind) != (message is not None) or renewed:
            self.tell(SelfAlert(kind, message, self.url))

    def _is_raised(self, kind: SelfAlertKind) -> bool:
        return kind.key(self.url) in self.store.sightings.get(SUPERVISOR, {})
