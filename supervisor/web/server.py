"""Hypercorn's trio worker behind bounds of our own: so many connections, each for so long.

Whatever clients do, they cost 32 sockets and bounded time, and no module notices them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import suppress
from logging import getLogger
from typing import Any, TypeAlias, cast

import trio
from attrs import define, field
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState, LifespanState

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_CONNECTIONS = 32
MOST_HEAD_BYTES = 16 * 1024
PIECE = 4096

IDLE = 10.0
ANSWER = 30.0
STREAM = 900.0
WRITE = 10.0
"""Seconds: to say what is wanted (also for a connection that is kept), to be answered, to follow
what happens (then a browser connects anew), and to take what is written."""

_REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_SOCKET_ERRORS = (OSError, trio.BrokenResourceError, trio.ClosedResourceError)

_log = getLogger("supervisor.web")


@define(eq=False)
class Connection:
    """A client's stream, as Hypercorn uses it.

    `answering` counts the requests in progress; `gone` is whether the client has closed.
    """

    stream: trio.SocketStream
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    answering: int = 0
    gone: bool = False

    @property
    def socket(self) -> trio.socket.SocketType:
        return self.stream.socket

    async def send_all(self, data: bytes) -> None:
        """Write within a deadline: Hypercorn shields its writes, so that no other would do."""
        with trio.move_on_after(WRITE) as scope:
            await self.stream.send_all(data)
        if scope.cancelled_caught:
            self.close()
            self.scope.cancel()
            raise trio.BrokenResourceError("the client does not read")

    async def receive_some(self, most: int) -> bytes | bytearray:
        """Read a little at a time: the bound of a head counts from one piece to the next."""
        try:
            found = await self.stream.receive_some(min(most, PIECE))
        except trio.BrokenResourceError:
            self.gone = True
            raise
        self.gone = not found
        return found

    async def send_eof(self) -> None:
        """Say that nothing more will be written.

        Hypercorn says so also while another of its tasks writes, which trio's own does not allow.
        """
        await trio.lowlevel.checkpoint()
        with suppress(OSError):
            self.socket.shutdown(trio.socket.SHUT_WR)

    async def aclose(self) -> None:
        """Close, as trio's streams do."""
        await self.stream.aclose()

    def close(self) -> None:
        """Close at once; who reads or writes is woken by an error."""
        self.stream.socket.close()

    def allow(self, seconds: float) -> None:
        """Let the connection live so long from now on."""
        self.scope.deadline = trio.current_time() + seconds


@define
class Server:
    """Serves an ASGI application. `connections` are in the order of their coming."""

    app: App
    connections: list[Connection] = field(factory=list)
    _config: Config = field(factory=lambda: _config())

    async def serve(  # noqa: ASYNC128 - trio.serve_listeners calls it
        self,
        listeners: Sequence[trio.SocketListener],
        *,
        task_status: trio.TaskStatus[object] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve until cancelled; then every connection is closed at once."""
        async with trio.open_nursery() as nursery:
            try:
                await trio.serve_listeners(
                    self._meet, [*listeners], handler_nursery=nursery, task_status=task_status
                )
            finally:
                for connection in self.connections:
                    connection.close()

    async def _meet(self, stream: trio.SocketStream) -> None:
        if not self._has_room():
            with trio.move_on_after(1.0):
                await _refuse(stream)
            await trio.aclose_forcefully(stream)
            return
        connection = Connection(stream)
        self.connections.append(connection)
        try:
            connection.allow(IDLE)
            with connection.scope:
                await self._talk(connection)
        finally:
            connection.close()
            if connection in self.connections:
                self.connections.remove(connection)

    def _has_room(self) -> bool:
        """Return whether one more may come; a client that asks for nothing gives way."""
        if len(self.connections) < MOST_CONNECTIONS:
            return True
        for connection in self.connections:
            if not connection.answering:
                self.connections.remove(connection)
                connection.close()
                return True
        return False

    async def _talk(self, connection: Connection) -> None:
        context = WorkerContext(None)
        worker = TCPServer(
            ASGIWrapper(cast(Any, self._timed(connection))),
            self._config,
            context,
            ConnectionState(LifespanState({})),
            cast(Any, connection),
        )
        try:
            await worker.run()
        except* _SOCKET_ERRORS:
            pass  # the client has gone
        except* Exception:
            # What a stranger sends may meet a bug; the checks must not suffer from it.
            _log.exception("a connection to the status page failed")

    def _timed(self, connection: Connection) -> App:
        """Return the application with the deadlines of one connection."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            connection.answering += 1
            connection.allow(ANSWER)
            # An answer that goes on for long asks for the time.
            scope["state"]["allow"] = lambda: connection.allow(STREAM)
            try:
                await self.app(scope, receive, send)
            finally:
                connection.answering -= 1
                connection.allow(0.0 if connection.gone else IDLE)

        return app


async def _refuse(stream: trio.SocketStream) -> None:
    try:
        await stream.send_all(_REFUSAL)
        await stream.send_eof()
    except* _SOCKET_ERRORS:
        pass


def _config() -> Config:
    config = Config()
    config.accesslog = None
    config.errorlog = getLogger("supervisor.web")
    config.include_server_header = False
    config.h11_max_incomplete_size = MOST_HEAD_BYTES
    config.h2_max_header_list_size = MOST_HEAD_BYTES
    config.h2_max_concurrent_streams = 4
    config.keep_alive_timeout = IDLE
    return config
