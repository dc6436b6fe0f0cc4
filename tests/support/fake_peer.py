"""An Alertmanager on a loopback socket that behaves as badly as its script says.

`peer = await nursery.start(FakePeer().serve)`; then post to `peer.url`. Each request gets the next
behaviour of `peer.script`. After the end of the script it gets what `peer.choose` returns for the
request, or else `peer.usual`.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeAlias

import trio
from attrs import define, field, frozen

Stream: TypeAlias = trio.SocketStream | trio.SSLStream[trio.SocketStream]
Behaviour: TypeAlias = Callable[[Stream], Awaitable[None]]
"""Answers one request. If it leaves the connection open, the next request is read from it."""

BROKEN = (trio.BrokenResourceError, trio.ClosedResourceError)


@frozen
class Request:
    """A request that was received."""

    connection: int
    """The number of its connection. The first is 1."""

    at: float
    """When it was received, in trio's time."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def alerts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.body)
        return found


def answer(
    status: int = 200, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Behaviour:
    """Answer at once."""
    return raw(http(status, body, headers))


def raw(text: bytes) -> Behaviour:
    """Send these bytes, whatever they are, and leave the connection open."""

    async def behave(stream: Stream) -> None:
        await stream.send_all(text)

    return behave


def later(seconds: float, then: Behaviour) -> Behaviour:
    """Wait before the answer. With more than the time-out, the answer comes too late."""

    async def behave(stream: Stream) -> None:
        await trio.sleep(seconds)
        await then(stream)

    return behave


def closing(first: Behaviour) -> Behaviour:
    """Close the connection after the answer. The answer does not say so."""

    async def behave(stream: Stream) -> None:
        await first(stream)
        await trio.aclose_forcefully(stream)

    return behave


async def black_hole(_stream: Stream) -> None:
    """Never answer."""
    await trio.sleep_forever()


async def reset(stream: Stream) -> None:
    """Reset the connection."""
    plain = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await trio.aclose_forcefully(plain)


def drip(pieces: Iterable[bytes], seconds: float = 0.5) -> Behaviour:
    """Send one piece after another. Each comes soon enough for a time-out of single reads."""

    async def behave(stream: Stream) -> None:
        for piece in pieces:
            await stream.send_all(piece)
            await trio.sleep(seconds)

    return behave


async def endless(stream: Stream) -> None:
    """Answer 200 with a body that never ends."""
    await stream.send_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await stream.send_all(b"2000\r\n" + b"x" * 0x2000 + b"\r\n")


def http(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """Return a whole HTTP answer."""
    lines = {"Content-Length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body


@define
class FakePeer:
    """The server."""

    script: deque[Behaviour] = field(factory=deque)
    """What the next requests get."""

    usual: Behaviour = field(factory=answer)
    """What requests get after the end of the script."""

    choose: Callable[[Request], Behaviour] | None = None
    """If given, chooses the behaviour for a request in place of `usual`."""

    tls: ssl.SSLContext | None = None
    """If given, the server speaks TLS."""

    requests: list[Request] = field(factory=list)
    """All that was received, in order."""

    connections: int = 0
    """How many connections were accepted."""

    in_flight: int = 0
    """How many requests are being answered."""

    most_in_flight: int = 0
    """How many requests were answered at the same time at most."""

    port: int = 0
    """The port. 0 for a free one, until it listens."""

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    async def serve(
        self, *, task_status: trio.TaskStatus[FakePeer] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Listen on a free port, or on `port`, until cancelled."""
        listeners = await trio.open_tcp_listeners(self.port, host="127.0.0.1")
        self.port = listeners[0].socket.getsockname()[1]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, self._converse, listeners)
            task_status.started(self)

    async def _converse(self, plain: trio.SocketStream) -> None:
        self.connections += 1
        number = self.connections
        stream: Stream = plain
        if self.tls is not None:
            stream = trio.SSLStream(plain, self.tls, server_side=True, https_compatible=True)
        received = bytearray()
        try:
            while (request := await _request(stream, received, number)) is not None:
                await self._meet(stream, request)
        except BROKEN:
            pass  # the client went away, or the behaviour did

    async def _meet(self, stream: Stream, request: Request) -> None:
        self.requests.append(request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self._behaviour(request)(stream)
        finally:
            self.in_flight -= 1

    def _behaviour(self, request: Request) -> Behaviour:
        if self.script:
            return self.script.popleft()
        return self.choose(request) if self.choose else self.usual


async def _request(stream: Stream, received: bytearray, number: int) -> Request | None:
    """Return the next request, or None at the end of the connection."""
    while b"\r\n\r\n" not in received:
        if not await _more(stream, received):
            return None
    head, _, _ = bytes(received).partition(b"\r\n\r\n")
    del received[: len(head) + 4]
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    size = int(headers.get("content-length", 0))
    while len(received) < size:
        if not await _more(stream, received):
            return None
    body = bytes(received[:size])
    del received[:size]
    method, path, _ = first.split(" ")
    return Request(
        connection=number,
        at=trio.current_time(),
        method=method,
        path=path,
        headers=headers,
        body=body,
    )


async def _more(stream: Stream, received: bytearray) -> bool:
    chunk = await stream.receive_some(65536)
    received += chunk
    return bool(chunk)
