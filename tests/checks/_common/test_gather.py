"""A function that runs for several things at the same time."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from checks._common.gather import gather


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
