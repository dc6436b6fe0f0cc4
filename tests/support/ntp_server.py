"""A small NTP server on loopback, which can be silent, wrong or hostile."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio
from attrs import define, field

from checks._ntp.packet import timestamp

NOW = 1_800_000_000.0
"""Unix seconds of the server's clock."""

PACKET = struct.Struct(">BBbbIIIQQQQ")
"""See RFC 5905, section 7.3."""


def answer(
    nonce: bytes,
    arrived: float,
    departed: float | None = None,
    *,
    leap: int = 0,
    version: int = 4,
    mode: int = 4,
    stratum: int = 2,
    delay: float = 0.0,
    dispersion: float = 0.0,
    reference: bytes = b"LOCL",
) -> bytes:
    """Return a server's packet. The times are Unix seconds of its own clock."""
    departed = arrived if departed is None else departed
    return PACKET.pack(
        leap << 6 | version << 3 | mode,
        stratum,
        6,
        -20,
        int(delay * 2**16),
        int(dispersion * 2**16),
        int.from_bytes(reference, "big"),
        timestamp(arrived) if arrived else 0,
        int.from_bytes(nonce, "big"),
        timestamp(arrived) if arrived else 0,
        timestamp(departed) if departed else 0,
    )


@define
class NtpServer:
    """Answers questions for the time."""

    ahead: float = 0.0
    """Seconds by which its answers differ from `clock`."""
    respond: Callable[[bytes, float], list[bytes]] = field(
        default=lambda nonce, now: [answer(nonce, now)]
    )
    """Returns the answers to a question, from its nonce and the server's time."""
    clock: Callable[[], float] = lambda: NOW
    port: int = 0
    questions: list[bytes] = field(factory=list)
    """All that were asked."""

    @asynccontextmanager
    async def running(self, host: str = "127.0.0.1") -> AsyncIterator[NtpServer]:
        family = trio.socket.AF_INET6 if ":" in host else trio.socket.AF_INET
        with trio.socket.socket(family, trio.socket.SOCK_DGRAM) as sock:
            await sock.bind((host, self.port))
            self.port = sock.getsockname()[1]
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._serve, sock)
                yield self
                nursery.cancel_scope.cancel()

    async def _serve(self, sock: trio.socket.SocketType) -> None:
        while True:
            asked, peer = await sock.recvfrom(1024)
            self.questions.append(asked)
            for reply in self.respond(asked[40:48], self.clock() + self.ahead):
                await sock.sendto(reply, peer)
