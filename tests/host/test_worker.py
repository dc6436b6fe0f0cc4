"""One thread of one's own: it is there early, and a call that hangs is not waited for."""

from __future__ import annotations

import threading

import pytest
import trio

from supervisor.errors import NoThread
from supervisor.host.threads import Worker
from tests.support.no_more_threads import no_more_threads


async def test_calls_are_made_one_after_another_in_one_thread() -> None:
    worker = Worker("test")
    calls = [worker.call(threading.get_ident) for _ in range(3)]
    for call in calls:
        await call.done.wait()
    worker.stop(lambda: None, 5)

    assert len({call.result() for call in calls}) == 1
    assert calls[0].result() != threading.get_ident()


async def test_what_a_call_raises_is_raised_where_its_result_is_taken() -> None:
    worker = Worker("test")
    call = worker.call(lambda: 1 // 0)
    await call.done.wait()
    worker.stop(lambda: None, 5)

    with pytest.raises(ZeroDivisionError):
        call.result()


async def test_a_call_that_hangs_can_be_left_and_taken_over_later() -> None:
    worker, go = Worker("test"), threading.Event()
    call = worker.call(lambda: go.wait(10))
    with trio.move_on_after(0.01):
        await call.done.wait()
    assert not call.done.is_set()
    go.set()
    await call.done.wait()
    worker.stop(lambda: None, 5)

    assert call.result()


async def test_the_end_does_not_wait_for_a_call_that_hangs() -> None:
    worker, go, acts = Worker("test"), threading.Event(), list[str]()
    worker.call(lambda: go.wait(10))
    worker.stop(lambda: acts.append("late"), 0.01)
    assert acts == []
    go.set()


def test_the_last_act_is_done_although_there_was_no_thread() -> None:
    acts: list[str] = []
    Worker("test").stop(lambda: acts.append("done"), 0)

    assert acts == ["done"]


async def test_a_worker_that_was_started_needs_no_other_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = Worker("test")
    worker.start()
    no_more_threads(monkeypatch)
    call = worker.call(lambda: 7)
    await call.done.wait()
    worker.stop(lambda: None, 5)

    assert call.result() == 7


def test_that_no_thread_can_be_started_is_an_error_that_says_where_to_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_more_threads(monkeypatch)

    with pytest.raises(NoThread, match="can't start new thread; look at TasksMax="):
        Worker("test").start()
