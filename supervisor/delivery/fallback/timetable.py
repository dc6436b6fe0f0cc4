"""When the fallback sends a message. Pure."""

from __future__ import annotations

import hashlib
from typing import Self

from attrs import frozen

from supervisor.config.fallback.fallback import Fallback
from supervisor.delivery.back_off import backoff
from supervisor.delivery.fallback.record import ChannelRecord, Kind


@frozen
class Timetable:
    """The times of one service on one host. All times are Unix seconds."""

    settings: Fallback
    """The table `[fallback]`."""

    fraction: float
    """The host's own number, from 0 to 1. It spreads a fleet."""

    name: str = ""
    """Tells the messages of this service and host from all others."""

    @classmethod
    def of(cls, settings: Fallback, service: str, host: str) -> Self:
        """Return the timetable of a service on a host."""
        seed = hashlib.sha256(f"{host}\0{service}".encode()).digest()
        return cls(settings, int.from_bytes(seed[:6]) / 2**48, seed[6:14].hex())

    @property
    def spread(self) -> float:
        """Seconds after `after` that this host waits."""
        return self.fraction * self.settings.longest_spread

    def digest_due(self, since: float, told: ChannelRecord) -> float:
        """Return when a digest is due, in an outage that has lasted since `since`."""
        due = since + self.settings.after + self.spread
        if told.sent_at is not None:
            due = max(due, told.sent_at + self.settings.every)
        return max(due, self._next_try(told, "digest"))

    def end_due(self, told: ChannelRecord) -> float:
        """Return when to say that a peer answers again: at once, if that was not tried yet."""
        return self._next_try(told, "end")

    def _next_try(self, told: ChannelRecord, kind: Kind) -> float:
        """Return when the message that is being sent may be tried again. 0.0: at once."""
        attempt = told.attempt
        if attempt is None or attempt.kind != kind or not attempt.tries:
            return 0.0
        if attempt.refused:
            return attempt.tried_at + self.settings.every
        # From half of the back-off to all of it: servers that were down get a fleet's mail spread.
        wait = backoff(attempt.tries - 1, None, 0.0, (1 + self.fraction) / 2)
        return attempt.tried_at + min(wait, self.settings.every)
