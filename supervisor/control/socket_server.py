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
from supervisor.control.socket_client import LINE_TIMEOUT, NAME, Document, short_path

MOST_CLIENTS = 16
MOST_REQUEST_BYTES = 64 * 1024
Say: TypeAlias = Callable[[Document], Awaitable[None]]
Answer: TypeAlias = Callable[[Document, Say], Awaitable[None]]
"""Answers one request, by saying one JSON object after another."""

BROKEN = (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError, OSError)

_log = getLogger("supervisor")


def bind(directory: Path) -> trio.SocketListener | None:
    """Return a listener on the directory's socket, or None, said in the log, if there can be none.

    Whoever calls holds the directory's lock, so a socket that is there is left by the dead.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        with short_path(directory / NAME) as path:
            with suppress(FileNotFoundError):
                os.unlink(path)
            sock.bind(path)
            os.chmod(path, 0o600)
        sock.listen(MOST_CLIENTS)
    except OSError as error:
        sock.close()
        _log.warning("no local socket, so `status` cannot ask: %s", error)
        return None
    return trio.SocketListener(trio.socket.from_stdlib_socket(sock))


@define
class LocalServer:
    """Answers clients; `answers` are the requests that it knows."""

    answers: Mapping[str, Answer]
    clients: int = 0

    async def serve(self, listener: trio.SocketListener) -> None:
        """Answer until cancelled."""
        async with trio.open_nursery() as nursery:
            await trio.serve_listeners(self._meet, [listener], handler_nursery=nursery)

    async def _meet(self, stream: trio.SocketStream) -> None:
        if self.clients >= MOST_CLIENTS:
            return
        self.clients += 1

        async def say(document: Document) -> None:
            with trio.fail_after(LINE_TIMEOUT):
                for piece in json_stream.pieces(document):
                    await stream.send_all(piece)
                await stream.send_all(b"\n")

        try:
            with suppress(*BROKEN):
                await self._answer(await _read_request(stream), say)
        except Exception as error:  # a question must not end the checks
            _log.exception("a question through the local socket could not be answered")
            with suppress(*BROKEN):
                await say({"error": f"{type(error).__name__}: {error}"})
        finally:
            self.clients -= 1

    async def _answer(self, request: Document, say: Say) -> None:
        answer = self.answers.get(str(request.get("ask")))
        if answer is None:
            await say({"error": f"this version cannot answer {request.get('ask')!r}"})
        else:
            await answer(request, say)


async def _read_request(stream: trio.SocketStream) -> Document:
    received = b""
    with trio.fail_after(LINE_TIMEOUT):
        while b"\n" not in received and len(received) < MOST_REQUEST_BYTES:
            chunk = await stream.receive_some(MOST_REQUEST_BYTES)
            if not chunk:
                break
            received += chunk
    try:
        request = json.loads(received)
    except (ValueError, RecursionError):
        return {}
    return request if isinstance(request, dict) else {}
