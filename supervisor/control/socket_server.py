"""The socket through which `status`, `run-now` and `tree` ask the running supervisor.

A Unix socket of mode 0600 in the state directory. A client sends one line of JSON, such as
`{"ask": "status"}`, and reads lines of JSON until the end.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from logging import getLogger
from pathlib import Path
from typing import TypeAlias

import trio
from attrs import define

from supervisor.control import json_stream
from supervisor.control.socket_client import LINE_TIMEOUT, NAME, JsonObject, short_path

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


def bind(directory: Path) -> trio.SocketListener | None:
    """Return a listener on the directory's socket, or None if it cannot be made; the log says why.

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
    except OSError as error:
        sock.close()
        _log.warning("no local socket, so `status` cannot ask: %s", error)
        return None
    return trio.SocketListener(trio.socket.from_stdlib_socket(sock))


@define
class LocalServer:
    """Answers clients."""

    handlers: Mapping[str, Handler]
    """By the name of the request."""

    clients: int = 0
    """Clients that are being served."""

    async def serve(self, listener: trio.SocketListener) -> None:
        """Answer until cancelled."""
        async with trio.open_nursery() as nursery:
            await trio.serve_listeners(self._serve_client, [listener], handler_nursery=nursery)

    async def _serve_client(self, stream: trio.SocketStream) -> None:
        if self.clients >= MAX_CLIENTS:
            return
        self.clients += 1

        async def say(document: JsonObject) -> None:
            with trio.fail_after(LINE_TIMEOUT):
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
