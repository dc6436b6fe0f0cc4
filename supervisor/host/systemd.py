"""What systemd is told: readiness, status, liveness, as sd_notify(3) has it."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress

from attrs import frozen

LONGEST_WAIT = 0.1
"""Seconds."""


@frozen
class Notifier:
    """Sends datagrams to `$NOTIFY_SOCKET`; without one it does nothing.

    `watchdog` is the interval in seconds within which systemd wants to hear `WATCHDOG=1`,
    or None.
    """

    address: str = ""
    watchdog: float | None = None

    @classmethod
    def from_environment(cls) -> Notifier:
        """Return the notifier for the service manager that started this process, if one did."""
        address = os.environ.get("NOTIFY_SOCKET", "")
        watchdog = None
        if os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid()):
            with suppress(ValueError):
                watchdog = int(os.environ.get("WATCHDOG_USEC", "")) / 1_000_000
        return cls(address, watchdog if address and watchdog and watchdog > 0 else None)

    def notify_reloading(self) -> None:
        """Say that a reload has begun; `READY=1` ends it."""
        self.notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def notify(self, *lines: str) -> None:
        """Send the lines as one message. A manager that does not listen is no error."""
        if not self.address:
            return
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with (
            suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock,
        ):
            # READY=1 is said once, so a full queue is waited for, but it must not stop the loop.
            sock.settimeout(LONGEST_WAIT)
            sock.sendto("\n".join(lines).encode(), address)
