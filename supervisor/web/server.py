"""Hypercorn's trio worker with a limited number of connections, each with a deadline.

Whatever clients do, they take at most 32 sockets and a limited time. No module notices them.
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
"""A connection or request, as ASGI describes it."""

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
"""Returns the next message of the client."""

Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
"""Sends a message to the client."""

App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application."""

MAX_CONNECTIONS = 32
"""Connections at the same time."""

MAX_HEAD_BYTES = 16 * 1024
"""Bytes of the head of a request."""

READ_BYTES = 4096
"""Bytes that are read at a time."""

IDLE_TIMEOUT = 10.0
"""Seconds for a client to send its request, also the next one on the same connection."""

ANSWER_TIMEOUT = 30.0
"""Seconds for an answer."""

STREAM_TIMEOUT = 900.0
"""Seconds for the events of a live page. The browser then connects again."""

WRITE_TIMEOUT = 10.0
"""Seconds for a client to read what is written."""

_REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
"""The answer to a connection that has no room."""

_SOCKET_ERRORS = (OSError, trio.BrokenResourceError, trio.ClosedResourceError)
"""What is raised when the client has gone."""

_log = getLogger("supervisor.web")


@define(eq=False)
class Connection:
    """A client's stream, as Hypercorn uses it."""

    stream: trio.SocketStream
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    answering: int = 0
    """Requests in progress."""

    gone: bool = False
    """The client has closed the connection."""

    @property
    def socket(self) -> trio.socket.SocketType:
        return self.stream.socket

    async def send_all(self, data: bytes) -> None:
        """Write within a deadline. Hypercorn shields its writes from other deadlines."""
        with trio.move_on_after(WRITE_TIMEOUT) as scope:
            await self.stream.send_all(data)
        if scope.cancelled_caught:
            self.close()
            self.scope.cancel()
            raise trio.BrokenResourceError("the client does not read")

    async def receive_some(self, most: int) -> bytes | bytearray:
        """Read a little at a time. Hypercorn checks the size of a head only between two reads."""
        try:
            found = await self.stream.receive_some(min(most, READ_BYTES))
        except trio.BrokenResourceError:
            self.gone = True
            raise
        self.gone = not found
        return found

    async def send_eof(self) -> None:
        """End what is written.

        Hypercorn calls this also while another of its tasks writes. Trio's own method forbids that.
        """
        await trio.lowlevel.checkpoint()
        with suppress(OSError):
            self.socket.shutdown(trio.socket.SHUT_WR)

    async def aclose(self) -> None:
        """Close, as trio's streams do."""
        await self.stream.aclose()

    def close(self) -> None:
        """Close at once. Tasks that read or write get an error."""
        self.stream.socket.close()

    def allow(self, seconds: float) -> None:
        """Let the connection live for `seconds` from now on."""
        self.scope.deadline = trio.current_time() + seconds


@define
class WebServer:
    """Serves an ASGI application."""

    app: App
    connections: list[Connection] = field(factory=list)
    """The oldest first."""

    _config: Config = field(factory=lambda: _config())

    async def serve(  # noqa: ASYNC128 - trio.serve_listeners calls it
        self,
        listeners: Sequence[trio.SocketListener],
        *,
        task_status: trio.TaskStatus[object] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve until cancelled. Then close every connection at once."""
        async with trio.open_nursery() as nursery:
            try:
                await trio.serve_listeners(
                    self._serve_client,
                    [*listeners],
                    handler_nursery=nursery,
                    task_status=task_status,
                )
            finally:
                for connection in self.connections:
                    connection.close()

    async def _serve_client(self, stream: trio.SocketStream) -> None:
        if not self._has_room():
            with trio.move_on_after(1.0):
                await _refuse(stream)
            await trio.aclose_forcefully(stream)
            return
        connection = Connection(stream)
        self.connections.append(connection)
        try:
            connection.allow(IDLE_TIMEOUT)
            with connection.scope:
                await self._run_worker(connection)
        finally:
            connection.close()
            if connection in self.connections:
                self.connections.remove(connection)

    def _has_room(self) -> bool:
        """Return whether one more has room. A connection without a request is closed for it."""
        if len(self.connections) < MAX_CONNECTIONS:
            return True
        for connection in self.connections:
            if not connection.answering:
                self.connections.remove(connection)
                connection.close()
                return True
        return False

    async def _run_worker(self, connection: Connection) -> None:
        worker = TCPServer(
            app=ASGIWrapper(cast(Any, self._timed(connection))),
            config=self._config,
            context=WorkerContext(None),
            state=ConnectionState(LifespanState({})),
            stream=cast(Any, connection),
        )
        try:
            await worker.run()
        except* _SOCKET_ERRORS:
            pass  # the client has gone
        except* Exception:
            # A client may hit a bug. The checks must not suffer from it.
            _log.exception("a connection to the status page failed")

    def _timed(self, connection: Connection) -> App:
        """Return the application with the deadlines of one connection."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            connection.answering += 1
            connection.allow(ANSWER_TIMEOUT)
            # An answer that takes long calls this.
            scope["state"]["allow"] = lambda: connection.allow(STREAM_TIMEOUT)
            try:
                await self.app(scope, receive, send)
            finally:
                connection.answering -= 1
                connection.allow(0.0 if connection.gone else IDLE_TIMEOUT)

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
    config.h11_max_incomplete_size = MAX_HEAD_BYTES
    config.h2_max_header_list_size = MAX_HEAD_BYTES
    config.h2_max_concurrent_streams = 4
    config.keep_alive_timeout = IDLE_TIMEOUT
    return config
