"""Runs that do not end though they were cancelled: reported once, and no others; virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from supervisor.modules.overdue import OverdueRuns

Told = list[tuple[str, float]]


def reporter(name: str, told: Told) -> Callable[[], Awaitable[None]]:
    async def report() -> None:
        await trio.lowlevel.checkpoint()
        told.append((name, trio.current_time()))

    return report


@asynccontextmanager
async def watched() -> AsyncIterator[OverdueRuns]:
    overdue = OverdueRuns()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(overdue.watch)
        yield overdue
        nursery.cancel_scope.cancel()


async def test_each_run_that_is_overdue_is_reported_once(autojump_clock: object) -> None:
    told: Told = []
    first, second, third = (reporter(name, told) for name in ("first", "second", "third"))
    async with watched() as overdue:
        overdue.begin(second, 20.0)
        overdue.begin(first, 10.0)
        overdue.begin(third, 30.0)
        await trio.sleep(25)
        assert overdue.end(third)
        await trio.sleep(100)

    assert told == [("first", 10.0), ("second", 20.0)]


async def test_a_run_that_ended_in_time_may_begin_again(autojump_clock: object) -> None:
    told: Told = []
    report = reporter("a", told)
    async with watched() as overdue:
        overdue.begin(report, 10.0)
        await trio.sleep(5)
        assert overdue.end(report)
        await trio.sleep(100)
        overdue.begin(report, 120.0)
        await trio.sleep(50)
        assert not overdue.end(report)

    assert told == [("a", 120.0)]


async def test_nothing_wakes_the_task_while_no_run_goes_on(autojump_clock: object) -> None:
    async with watched() as overdue:
        report = reporter("a", [])
        await trio.testing.wait_all_tasks_blocked()
        overdue.begin(report, 10.0)
        overdue.end(report)
        before = trio.lowlevel.current_statistics().seconds_to_next_deadline

    assert before == float("inf")


async def test_a_run_that_ends_while_another_is_reported_is_not(autojump_clock: object) -> None:
    told: Told = []
    other = reporter("other", told)

    async def slow() -> None:
        await trio.sleep(5)
        told.append(("slow", trio.current_time()))

    async with watched() as overdue:
        overdue.begin(slow, 10.0)
        overdue.begin(other, 10.0)
        await trio.sleep(12)
        assert overdue.end(other)
        await trio.sleep(100)

    assert told == [("slow", 15.0)]


@pytest.mark.parametrize("after", [5.0, 50.0])
async def test_a_run_may_begin_before_the_task_does(after: float, autojump_clock: object) -> None:
    told: Told = []
    overdue = OverdueRuns()
    overdue.begin(reporter("early", told), 10.0)
    await trio.sleep(after)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(overdue.watch)
        await trio.sleep(100)
        nursery.cancel_scope.cancel()

    assert told == [("early", max(10.0, after))]
