"""Calls that may hang on a dead filesystem, each with its own time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import trio

from checks._common.deadlines import rounded
from supervisor.api import StillHanging, probe

T = TypeVar("T")


async def probe_within(seconds: float, name: str, call: Callable[[], T]) -> T:
    """Return what a blocking call returns; raises `TimeoutError` when it takes longer.

    `name` is that of `probe`. `TimeoutError` is an `OSError`, as is what such a call raises.
    """
    try:
        with trio.fail_after(seconds):
            return await probe(name, call)
    except (trio.TooSlowError, StillHanging):
        raise TimeoutError(f"no answer within {rounded(seconds)} s") from None
