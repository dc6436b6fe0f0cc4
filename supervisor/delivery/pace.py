"""How long a request may take: it follows its size and what the peer takes in a second. Pure."""

from __future__ import annotations

import math

from attrs import define

from supervisor.config.service import Service

SMALL_BYTES = 16 * 1024
"""Bytes of a request that must always fit into the time-out. It says nothing about the pace."""

MAX_BATCH_BYTES = 1 << 20
"""Bytes of one batch."""

MAX_REQUEST_SECONDS = 60.0
"""Seconds that a large request may take, if neither setting of the service says otherwise."""

SLACK = 2.0
"""How many times longer a request may take than the pace makes expect."""


@define
class Pace:
    """What one peer takes in a second, and what follows from it."""

    timeout: float
    """Seconds for a small request."""

    longest: float
    """Seconds for any request."""

    bytes_per_second: float = math.inf
    """As last measured. Infinite before the first large request."""

    @classmethod
    def of(cls, service: Service) -> Pace:
        """Return the pace of a peer that nothing is known of.

        One request takes at most `resend_interval`, so that what waits for it is still in time.
        """
        timeout = service.alertmanager.timeout
        return cls(timeout, max(timeout, min(MAX_REQUEST_SECONDS, service.resend_interval)))

    def seconds_for(self, size: int) -> float:
        """Return the seconds that a request of `size` bytes may take."""
        if size <= SMALL_BYTES:
            return self.timeout
        return min(self.longest, max(self.timeout, SLACK * size / self.bytes_per_second))

    @property
    def max_bytes(self) -> int:
        """Bytes that the next batch may hold. More would keep what comes after it waiting."""
        fitting = self.bytes_per_second * self.timeout
        return int(min(MAX_BATCH_BYTES, max(SMALL_BYTES, fitting)))

    def took(self, size: int, seconds: float) -> None:
        """Measure: the peer took `size` bytes in so many seconds."""
        if size > SMALL_BYTES:
            self.bytes_per_second = size / max(seconds, 1e-6)

    def timed_out(self, size: int, seconds: float) -> None:
        """Note that the peer did not take `size` bytes in so many seconds.

        So the same request may take longer next time, and half of it as long as before.
        """
        if size > SMALL_BYTES:
            self.bytes_per_second = min(self.bytes_per_second, size / seconds)
