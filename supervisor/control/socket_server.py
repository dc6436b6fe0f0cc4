"""The socket through which `status`, `run-now`, `reload` and `tree` ask the running supervisor.

A Unix socket of mode 0600 in the state directory. A client sends one line of JSON, such as
`{"ask": "status"}`, and reads lines of JSON until the end.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from logging import getLogger
from pathlib import Path
from typing import Self, TypeAlias

import trio
from attrs import define

from supervisor.control import json_stream
from supervisor.control.socket_client import LINE_TIMEOUT, NAME, JsonObject, short_path
from supervisor.errors import NoThread
from supervisor.host.clock import Clock
from supervisor.host.lock import Lock
from supervisor.host.threads import Worker

MAX_CLIENTS = 16
"""Clients that are served at the same time."""

MAX_REQUEST_BYTES = 64 * 1024
"""Bytes of a request. The rest of a longer one is ignored."""

CLIENT_GONE = (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError, OSError)
"""What is raised when a client has gone, or does not read."""

Say: TypeAlias = Callable[[JsonObject], Awaitable[None]]
"""Writes one line of an answer."""

Handler: TypeAlias = Callable[[JsonObject, Say], Awaitable[None]]
"""Answers one request, line by line."""

_log = getLogger("supervisor")


@define(eq=False, repr=False)
class LocalSocket:
    """The socket in a state directory. Without a listener it could not be made."""

    lock: Lock
    """Holds the state directory."""

    listener: trio.SocketListener | None = None
    """Where clients connect."""

    _said: bool = False
    """Whether the log has said that there is no socket."""

    def bind(self) -> Self:
        """Make the socket. If that fails, the log says why, but not twice in a row."""
        was_bound, self.listener = self.listener is not None, None
        try:
            self.listener = bind(self.lock.directory)
        except OSError as error:
            level = logging.WARNING if was_bound or not self._said else logging.DEBUG
            _log.log(level, "no local socket, so `status` cannot ask: %s", error)
            self._said = True
        return self


def bind(directory: Path) -> trio.SocketListener:
    """Return a listener on the directory's socket.

    The caller holds the directory's lock, so an existing socket is left from a crash.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        with short_path(directory / NAME) as path:
            with suppress(FileNotFoundError):
                os.unlink(path)
            sock.bind(path)
            os.chmod(path, 0o600)
        sock.listen(MAX_CLIENTS)
    except OSError:
        sock.close()
        raise
    return trio.SocketListener(trio.socket.from_stdlib_socket(sock))


@define(eq=False, repr=False)
class LocalServer:
    """Answers clients."""

    handlers: Mapping[str, Handler]
    """By the name of the request."""

    clock: Clock
    """Says when to look whether the socket's file is still there."""

    clients: int = 0
    """Clients that are being served."""

    async def keep(self, local: LocalSocket, worker: Worker) -> None:
        """Answer until cancelled. Make the socket again when its file is gone.

        A socket that belongs to another supervisor stays. The worker looks at the file.
        """
        while True:
            async with trio.open_nursery() as nursery:
                if local.listener is not None:
                    nursery.start_soon(self.serve, local.listener)
                await self._until_gone(local, worker)
                nursery.cancel_scope.cancel()
            if local.bind().listener is not None:
                _log.warning("the local socket was gone; it is there again")

    async def _until_gone(self, local: LocalSocket, worker: Worker) -> None:
        """Return when the socket's file is gone or another one, and the directory is ours."""
        lock = local.lock
        path = lock.directory / NAME
        known = None
        if local.listener is not None:
            with suppress(OSError):  # the disk may fail just now; then the socket is made again
                known = _inode(path)

        def is_gone() -> bool:
            return (known is None or _inode(path) != known) and lock.is_held()

        while True:
            await trio.sleep(self.clock.until_look())
            # In a thread, since the disk may hang. Whatever goes wrong, the next look may tell.
            with suppress(NoThread, OSError):
                look = worker.call(is_gone)
                await look.done.wait()
                if look.result():
                    return

    async def serve(self, listener: trio.SocketListener) -> None:
        """Answer until cancelled."""
        async with trio.open_nursery() as nursery:
            await trio.serve_listeners(self._serve_client, [listener], handler_nursery=nursery)

    async def _serve_client(self, stream: trio.SocketStream) -> None:
        if self.clients >= MAX_CLIENTS:
            return
        self.clients += 1
        line = trio.Lock()  # two runs may end at the same time

        async def say(document: JsonObject) -> None:
            with trio.fail_after(LINE_TIMEOUT):
                async with line:
                    for piece in json_stream.pieces(document):
                        await stream.send_all(piece)
                    await stream.send_all(b"\n")

        try:
            with suppress(*CLIENT_GONE):
                await self._answer(await _read_request(stream), say)
        except Exception as error:  # a request must not end the checks
            _log.exception("a request through the local socket could not be answered")
            with suppress(*CLIENT_GONE):
                await say({"error": f"{type(error).__name__}: {error}"})
        finally:
            self.clients -= 1

    async def _answer(self, request: JsonObject, say: Say) -> None:
        handler = self.handlers.get(str(request.get("ask")))
        if handler is None:
            await say({"error": f"this version cannot answer {request.get('ask')!r}"})
        else:
            await handler(request, say)


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except (FileNotFoundError, NotADirectoryError):
        return None


async def _read_request(stream: trio.SocketStream) -> JsonObject:
    received = b""
    with trio.fail_after(LINE_TIMEOUT):
        while b"\n" not in received and len(received) < MAX_REQUEST_BYTES:
            chunk = await stream.receive_some(MAX_REQUEST_BYTES)
            if not chunk:
                break
            received += chunk
    try:
        request = json.loads(received)
    except (ValueError, RecursionError):
        return {}
    return request if isinstance(request, dict) else {}
