"""How long work holds up the event loop. `sessions` and `file_patterns` use it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import trio

TICK = 0.001
"""Seconds between two turns of the task that feels how long the loop is held up."""


async def held_up(work: Callable[[], Awaitable[object]], times: int) -> list[float]:
    """Return for each piece of work how late a task was at worst that wakes each millisecond."""
    longest: list[float] = []

    async def tick() -> None:
        while True:
            due = time.perf_counter() + TICK
            await trio.sleep(TICK)
            longest[-1] = max(longest[-1], 1000 * (time.perf_counter() - due))

    async with trio.open_nursery() as nursery:
        longest.append(0.0)
        nursery.start_soon(tick)
        for _ in range(times):
            longest.append(0.0)
            await work()
        nursery.cancel_scope.cancel()
    return longest[1:]


async def idle() -> None:
    """Do nothing for a while. What is felt then is the machine's own delay."""
    await trio.sleep(0.05)
