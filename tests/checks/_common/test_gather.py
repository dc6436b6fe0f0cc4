"""A function that runs for several things at the same time."""

from __future__ import annotations

from collections import Counter

import pytest
import trio
from trio.testing import MockClock

from checks._common.gather import STARTED_AT_ONCE, gather


async def test_the_results_have_the_order_of_the_items(autojump_clock: MockClock) -> None:
    async def wait(seconds: int) -> str:
        await trio.sleep(seconds)
        return f"{seconds} s"

    assert await gather(wait, [3, 1, 1, 2]) == ["3 s", "1 s", "1 s", "2 s"]
    assert trio.current_time() == 3


async def test_an_error_ends_the_other_calls(autojump_clock: MockClock) -> None:
    async def fail_at_once(item: str) -> None:
        if item == "bad":
            raise OSError(item)
        await trio.sleep_forever()

    with pytest.raises(ExceptionGroup) as raised:
        await gather(fail_at_once, ["good", "bad"])

    assert raised.group_contains(OSError, match="^bad$")


async def test_nothing_is_done_without_items() -> None:
    assert await gather(trio.sleep, []) == []


async def test_other_tasks_run_while_many_begin() -> None:
    turn, begun = 0, Counter[int]()

    async def other() -> None:
        nonlocal turn
        while True:
            await trio.lowlevel.checkpoint()
            turn += 1

    async def begin(_: int) -> None:
        begun[turn] += 1
        await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        await gather(begin, range(1000))
        nursery.cancel_scope.cancel()

    assert begun.total() == 1000
    # Tasks of one turn run in any order: the other's turn may be among those of a group.
    assert max(begun.values()) <= 2 * STARTED_AT_ONCE
