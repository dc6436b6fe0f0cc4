"""Threads that hang: given up, counted, not started again, forgotten when they come back."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from supervisor.errors import CheckFailed, StillHanging
from supervisor.host import threads
from supervisor.host.threads import abandoned_threads, probe
from tests.support.hanging_call import Hanging, until_no_thread_hangs
from tests.support.no_more_threads import no_more_threads


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    function = Hanging()
    yield function
    function.released.set()


async def give_up(key: str, function: Hanging) -> None:
    """Ask, and cancel as soon as the thread hangs."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(probe, key, function)
        await function.begun()
        nursery.cancel_scope.cancel()


async def test_an_answer_is_returned_and_nothing_counted() -> None:
    assert await probe("question", lambda: 42) == 42
    assert abandoned_threads() == 0


async def test_what_the_function_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await probe("question", lambda: 1 // 0)

    assert abandoned_threads() == 0


async def test_a_thread_that_hangs_is_given_up_and_counted(hanging: Hanging) -> None:
    await give_up("question", hanging)
    assert abandoned_threads() == 1

    hanging.released.set()
    await until_no_thread_hangs()


async def test_no_second_thread_is_started_while_one_hangs(hanging: Hanging) -> None:
    await give_up("question", hanging)

    with pytest.raises(StillHanging, match="question"):
        await probe("question", hanging)

    assert (hanging.calls, abandoned_threads()) == (1, 1)
    hanging.released.set()
    await until_no_thread_hangs()


async def test_other_keys_are_asked_while_one_hangs(hanging: Hanging) -> None:
    await give_up("question", hanging)

    assert await probe("another", lambda: 42) == 42
    hanging.released.set()
    await until_no_thread_hangs()


async def test_a_thread_that_comes_back_is_forgotten(hanging: Hanging) -> None:
    await give_up("question", hanging)
    hanging.released.set()
    await until_no_thread_hangs()

    assert await probe("question", hanging) == "back"
    assert hanging.calls == 2


async def test_many_that_hang_keep_no_other_waiting() -> None:
    together = threading.Event()
    many = [Hanging(released=together) for _ in range(100)]
    try:
        async with trio.open_nursery() as nursery:
            for number, function in enumerate(many):
                nursery.start_soon(give_up, str(number), function)
        assert abandoned_threads() == 100

        with trio.fail_after(10):
            assert await probe("another", lambda: 42) == 42
    finally:
        together.set()
    await until_no_thread_hangs()


async def test_a_call_that_is_cancelled_before_it_starts_is_not_counted(hanging: Hanging) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await probe("question", hanging)

    assert (hanging.calls, abandoned_threads()) == (0, 0)


def test_a_thread_that_begins_after_it_was_given_up_does_not_call(hanging: Hanging) -> None:
    call = threads._Probe("question", hanging)
    call.abandon()

    with pytest.raises(StillHanging):
        call.run()

    assert (hanging.calls, abandoned_threads()) == (0, 0)


async def test_that_no_thread_can_be_started_is_a_failed_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_more_threads(monkeypatch)

    with pytest.raises(CheckFailed, match="can't start new thread; look at TasksMax="):
        await probe("a call", int)
    assert abandoned_threads() == 0


async def test_an_error_of_the_function_is_not_taken_for_a_missing_thread() -> None:
    def fail() -> None:
        raise RuntimeError("can't start new thread")

    with pytest.raises(RuntimeError, match="can't"):
        await probe("a call", fail)


LAST_THREAD = """
import ctypes, os, resource, threading, time
from supervisor.host.threads import load_thread_exit

load_thread_exit()
thread = threading.Thread(target=ctypes.CDLL(None).pthread_exit, args=(None,), daemon=True)
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
thread.start()
while os.path.exists(f"/proc/self/task/{thread.native_id}"):
    time.sleep(0.001)
os._exit(0)
"""
"""Ends a thread as the interpreter does at its own end, while no descriptor is free."""


def test_a_thread_ends_also_without_a_free_descriptor() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LAST_THREAD],
        cwd=Path(__file__).parent.parent.parent,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (0, "") == (done.returncode, done.stderr)
