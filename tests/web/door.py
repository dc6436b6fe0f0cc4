"""A status listener with small bounds, and clients that do not behave."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from attrs import frozen

from supervisor.web import app, server
from supervisor.web.server import WebServer
from tests.support.web_bench import WebBench, modules


@frozen
class Door:
    """A server, and connections to it without any protocol."""

    server: WebServer
    port: int
    nursery: trio.Nursery
    streams: list[trio.SocketStream]

    async def connect(self, *said: bytes) -> trio.SocketStream:
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        self.streams.append(stream)
        for words in said:
            await stream.send_all(words)
        return stream

    async def settle(self, count: int) -> None:
        """Wait until `count` clients are connected."""
        with trio.fail_after(5):
            while len(self.server.connections) != count:  # noqa: ASYNC110 - nothing says so
                await trio.sleep(0.005)


@asynccontextmanager
async def opened(
    given: server.App | None = None, bench: WebBench | None = None
) -> AsyncIterator[Door]:
    bench = bench or WebBench.make(*modules(2))
    found = WebServer(given or app.make_app(bench.snapshot, bench.recorded, lambda: 0))
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    streams: list[trio.SocketStream] = []
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(found.serve, [listener])
            yield Door(found, listener.socket.getsockname()[1], nursery, streams)
            nursery.cancel_scope.cancel()
    finally:
        for stream in streams:
            stream.socket.close()


async def read(stream: trio.SocketStream) -> bytes:
    """Return all that comes until the other side closes."""
    with trio.fail_after(5):
        found = b""
        try:
            while chunk := await stream.receive_some():
                found += chunk
        except trio.BrokenResourceError:
            pass
        return found


async def status_of(stream: trio.SocketStream) -> int:
    with trio.fail_after(5):
        return int((await stream.receive_some(4096)).split()[1])
