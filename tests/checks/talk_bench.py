"""Servers for the tests of the `talk` check, and what it says of them."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import trio

from checks import talk
from checks._talk.server import TalkServer
from checks.talk import Params
from supervisor.api import Condition, Duration, Observation
from tests.support.check_context import context

Handler = Callable[[Any], Awaitable[None]]
PING: dict[str, Any] = {"send": "PING\r\n", "expect": r"^\+PONG"}


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Let a handler talk with each client; return the port."""

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            wire = trio.SSLStream(stream, tls, server_side=True) if tls else stream
            with suppress(trio.BrokenResourceError):  # the check has gone
                await handler(wire)

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, serve, [listener])
        yield listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel()


def answering(*answers: bytes) -> Handler:
    """Return a handler that answers whatever it reads with the next of these."""

    async def handle(stream: trio.SocketStream) -> None:
        for answer in answers:
            await stream.receive_some()
            await stream.send_all(answer)
        await trio.sleep_forever()

    return handle


def saying(*parts: bytes, pause: float = 0) -> Handler:
    """Return a handler that says this at once, in parts, and is then silent."""

    async def handle(stream: trio.SocketStream) -> None:
        for part in parts:
            await stream.send_all(part)
            await trio.sleep(pause)
        await trio.sleep_forever()

    return handle


def at(port: int = 1, **settings: Any) -> TalkServer:
    return TalkServer(**{"name": "s", "host": "127.0.0.1", "port": port, **settings})


async def look(*servers: TalkServer) -> list[Observation]:
    return list(await talk.run(context(), Params(servers)))


def failures(seen: list[Observation]) -> list[Condition]:
    return [item for item in seen if isinstance(item, Condition)]


async def failure(handler: Handler, **settings: Any) -> tuple[str, str]:
    """Return why a talk fails, and the detail."""
    given = {"timeout": Duration(0.5), "expect": "^220 ", **settings}
    async with serving(handler) as port:
        (failed,) = failures(await look(at(port, **given)))
    assert (failed.alertname, failed.event_type, failed.instance) == ("Talk failed", "E", "s")
    before = f"s (127.0.0.1:{port}): "
    assert failed.message.startswith(before)
    return failed.message.removeprefix(before), failed.detail
