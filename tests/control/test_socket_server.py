"""The local socket in one process: a request must not hurt others."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from supervisor.control import socket_client, socket_server
from supervisor.control.socket_client import JsonObject
from supervisor.control.socket_server import Handler, LocalServer, Say
from supervisor.errors import SupervisorError


async def fine(_request: JsonObject, say: Say) -> None:
    await say({"well": True})


@asynccontextmanager
async def served(directory: Path, **handlers: Handler) -> AsyncIterator[None]:
    """Answer requests on the socket in the directory."""
    listener = socket_server.bind(directory)
    assert listener is not None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(LocalServer(handlers).serve, listener)
        yield
        nursery.cancel_scope.cancel()


async def test_a_bug_in_a_handler_is_answered_and_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_request: JsonObject, _say: Say) -> None:
        raise ValueError("a bug")

    async with served(tmp_path, bug=broken, fine=fine):
        with pytest.raises(SupervisorError, match="the supervisor says: ValueError: a bug"):
            await ask(tmp_path, "bug")
        assert await ask(tmp_path, "fine") == [{"well": True}]

    assert "could not be answered" in caplog.text


async def ask(directory: Path, what: str) -> list[JsonObject]:
    asked = partial(socket_client.ask, [directory], {"ask": what})
    return await trio.to_thread.run_sync(lambda: [*asked()])


async def test_a_client_that_goes_in_the_middle_ends_nothing(tmp_path: Path) -> None:
    gone = trio.Event()

    async def long(_request: JsonObject, say: Say) -> None:
        await gone.wait()
        for _ in range(100):
            await say({"text": "x" * 100_000})

    async with served(tmp_path, long=long, fine=fine):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / socket_client.NAME))
            client.sendall(b'{"ask": "long"}\n')
        gone.set()

        assert await ask(tmp_path, "fine") == [{"well": True}]
