"""The local socket in one process: what a client asks must hurt nobody else."""

from __future__ import annotations

import socket
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from supervisor.control import socket_client, socket_server
from supervisor.control.socket_server import LocalServer, Say
from supervisor.errors import SupervisorError


async def test_a_bug_in_an_answer_is_said_and_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_request: dict[str, Any], _say: Say) -> None:
        raise ValueError("a bug")

    async def fine(_request: dict[str, Any], say: Say) -> None:
        await say({"well": True})

    listener = socket_server.bind(tmp_path)
    assert listener is not None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(LocalServer({"bug": broken, "fine": fine}).serve, listener)

        with pytest.raises(SupervisorError, match="the supervisor says: ValueError: a bug"):
            await ask(tmp_path, "bug")
        assert await ask(tmp_path, "fine") == [{"well": True}]
        nursery.cancel_scope.cancel()

    assert "could not be answered" in caplog.text


async def ask(directory: Path, what: str) -> list[dict[str, Any]]:
    asked = partial(socket_client.ask, [directory], {"ask": what})
    return await trio.to_thread.run_sync(lambda: [*asked()])


async def test_a_client_that_goes_in_the_middle_ends_nothing(tmp_path: Path) -> None:
    gone = trio.Event()

    async def long(_request: dict[str, Any], say: Say) -> None:
        await gone.wait()
        for _ in range(100):
            await say({"text": "x" * 100_000})

    async def fine(_request: dict[str, Any], say: Say) -> None:
        await say({"well": True})

    listener = socket_server.bind(tmp_path)
    assert listener is not None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(LocalServer({"long": long, "fine": fine}).serve, listener)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / socket_client.NAME))
            client.sendall(b'{"ask": "long"}\n')
        gone.set()

        assert await ask(tmp_path, "fine") == [{"well": True}]
        nursery.cancel_scope.cancel()
