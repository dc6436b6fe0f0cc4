"""Runs a function for several things at the same time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import trio

T = TypeVar("T")
R = TypeVar("R")

STARTED_AT_ONCE = 20
"""How many calls begin before other tasks have a turn. A thousand would hold them up."""


async def gather(function: Callable[[T], Awaitable[R]], items: Iterable[T]) -> list[R]:
    """Return the results of an async function for each item, in the order of the items.

    All calls run at the same time, and begin in groups. An error ends the others, and is raised in
    an exception group.
    """
    items = list(items)
    results: dict[int, R] = {}

    async def call(number: int, item: T) -> None:
        results[number] = await function(item)

    async with trio.open_nursery() as nursery:
        for number, item in enumerate(items):
            if number % STARTED_AT_ONCE == STARTED_AT_ONCE - 1:
                await trio.lowlevel.checkpoint()
            nursery.start_soon(call, number, item)
    return [results[number] for number in range(len(items))]
