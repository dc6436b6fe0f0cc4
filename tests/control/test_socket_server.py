"""The local socket in one process: a request must not hurt others."""

from __future__ import annotations

import errno
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from supervisor.control import socket_client, socket_server
from supervisor.control.socket_client import JsonObject
from supervisor.control.socket_server import Handler, LocalServer, LocalSocket, Say
from supervisor.errors import SupervisorError
from supervisor.host.clock import Clock
from supervisor.host.lock import Lock, locked
from supervisor.host.threads import Worker
from tests.host.test_lock import failing
from tests.support.recorder_bench import eventually


class Hasty(Clock):
    """A clock by which files are looked at all the time."""

    def until_look(self, interval: float | None = None) -> float:
        return interval or 0.005


async def fine(_request: JsonObject, say: Say) -> None:
    await say({"well": True})


@asynccontextmanager
async def served(directory: Path, **handlers: Handler) -> AsyncIterator[None]:
    """Answer requests on the socket in the directory."""
    listener = socket_server.bind(directory)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(LocalServer(handlers, Clock()).serve, listener)  # noqa: ASYNC113 - it listens already
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


async def test_two_parts_of_an_answer_may_be_ready_at_the_same_time(tmp_path: Path) -> None:
    async def both(_request: JsonObject, say: Say) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(say, {"part": "x" * 1_000_000})
            nursery.start_soon(say, {"part": "y"})

    async with served(tmp_path, both=both):
        answer = await ask(tmp_path, "both")

    assert sorted(len(line["part"]) for line in answer) == [1, 1_000_000]


async def ask(directory: Path, what: str) -> list[JsonObject]:
    asked = partial(socket_client.ask, [directory], {"ask": what})
    return await trio.to_thread.run_sync(lambda: [*asked()])


@pytest.fixture
def worker() -> Iterator[Worker]:
    """Yield the thread that looks at the socket's file."""
    worker = Worker("test")
    yield worker
    worker.stop(lambda: None, 5)


@pytest.mark.parametrize("how", ["unlink", "replace", "never"])
async def test_a_socket_whose_file_is_gone_is_made_again(
    tmp_path: Path, worker: Worker, how: str
) -> None:
    path = tmp_path / socket_client.NAME
    with locked(tmp_path) as lock:
        local = LocalSocket(lock) if how == "never" else LocalSocket(lock).bind()
        if how == "replace":
            (tmp_path / "other").touch()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(LocalServer({"fine": fine}, Hasty()).keep, local, worker)
            await wait_all_tasks_blocked()
            if how == "unlink":
                path.unlink()
            elif how == "replace":
                (tmp_path / "other").rename(path)
            await eventually(path.is_socket)

            assert await ask(tmp_path, "fine") == [{"well": True}]
            nursery.cancel_scope.cancel()


async def test_a_disk_that_fails_at_the_first_look_ends_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    worker: Worker,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with locked(tmp_path) as lock:
        local = LocalSocket(lock).bind()
        async with trio.open_nursery() as nursery:
            with monkeypatch.context() as patch:
                patch.setattr(Path, "stat", failing(errno.EIO))
                nursery.start_soon(LocalServer({"fine": fine}, Hasty()).keep, local, worker)
                await wait_all_tasks_blocked()

            # It cannot tell whether the socket is its own, so it makes it again.
            await eventually(lambda: "it is there again" in caplog.text)
            assert await ask(tmp_path, "fine") == [{"well": True}]
            nursery.cancel_scope.cancel()


async def test_the_socket_of_another_supervisor_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worker: Worker
) -> None:
    looks = []

    def is_lost(_lock: Lock) -> bool:
        looks.append(1)
        return False

    monkeypatch.setattr(Lock, "is_held", is_lost)
    path = tmp_path / socket_client.NAME
    with locked(tmp_path) as lock:
        local = LocalSocket(lock).bind()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(LocalServer({"fine": fine}, Hasty()).keep, local, worker)
            await wait_all_tasks_blocked()
            path.unlink()
            path.touch()
            await eventually(lambda: len(looks) > 1)
            nursery.cancel_scope.cancel()

        assert not path.is_socket()


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
