"""Connects to a server: by TCP, TLS, UDP or a unix socket."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from socket import SOCK_DGRAM, SOCK_STREAM, SocketKind

import trio
from attrs import frozen

from checks._common.addresses import Endpoint, endpoints
from checks._talk.conversation import Wire
from checks._talk.server import TalkServer
from supervisor.api import server_name


@frozen
class Datagrams:
    """UDP: each sending is one datagram."""

    sock: trio.socket.SocketType

    async def send_all(self, data: bytes) -> None:
        """Send it as one datagram."""
        await self.sock.send(data)

    async def receive_some(self, max_bytes: int) -> bytes:
        """Return the next datagram that is not empty. What is longer is cut off."""
        while not (received := await self.sock.recv(max_bytes)):
            pass
        return received

    async def aclose(self) -> None:
        """Close the socket."""
        self.sock.close()
        await trio.lowlevel.checkpoint()


@asynccontextmanager
async def connected(server: TalkServer, tls: ssl.SSLContext | None) -> AsyncIterator[Wire]:
    """Connect to the first address of a server that can be reached, and close at the end.

    Raises `OSError`, and `CheckFailed` while an earlier look-up of its name still hangs. Each
    address has its share of the time that is left.
    """
    wire = await _connect(server)
    try:
        if tls is not None and isinstance(wire, trio.SocketStream):
            name = server_name(server.server_name or server.host)
            wire = trio.SSLStream(wire, tls, server_hostname=name, https_compatible=True)
            await wire.do_handshake()
        yield wire
    finally:
        with trio.CancelScope() as scope:  # there is nothing to wait for
            scope.cancel()
            await wire.aclose()


async def _connect(server: TalkServer) -> Wire:
    if server.socket is not None:
        return await trio.open_unix_socket(str(server.socket))
    kind = SOCK_DGRAM if server.transport == "udp" else SOCK_STREAM
    found = await endpoints(server.host, server.where, kind)
    failed: list[OSError] = []
    for others, endpoint in zip(range(len(found) - 1, -1, -1), found, strict=True):
        left = trio.current_effective_deadline() - trio.current_time()
        with trio.move_on_after(left / (others + 1)) as scope:
            if not others:
                scope.deadline = float("inf")  # the caller's is the last
            try:
                return await _open(endpoint, kind)
            except OSError as error:
                failed.append(error)
    raise min(failed, key=str)  # the order of the addresses may change


async def _open(endpoint: Endpoint, kind: SocketKind) -> Wire:
    family, address = endpoint
    sock = trio.socket.socket(family, kind)
    try:
        await sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return Datagrams(sock) if kind == SOCK_DGRAM else trio.SocketStream(sock)
