"""Tells systemd readiness, status and liveness, see sd_notify(3)."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress

from attrs import frozen

SEND_TIMEOUT = 0.1
"""Seconds to wait while the queue of systemd's socket is full."""


@frozen
class Notifier:
    """Sends datagrams to systemd; does nothing without an address."""

    address: str = ""
    """Of the socket, as `$NOTIFY_SOCKET` has it."""
    watchdog: float | None = None
    """Seconds within which systemd expects `WATCHDOG=1` again; None: it expects none."""

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
        """Tell that a reload has begun. `READY=1` tells its end."""
        self.notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def notify(self, *lines: str) -> None:
        """Send the lines as one message. It is not an error when the manager does not listen."""
        if not self.address:
            return
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with (
            suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock,
        ):
            # READY=1 is sent once, so wait for a full queue. This blocks the loop: not for long.
            sock.settimeout(SEND_TIMEOUT)
            sock.sendto("\n".join(lines).encode(errors="replace"), address)
