"""Calls in threads: those that may hang for ever are given up. That no thread is left is an error.

A check calls `probe` to look at a mount or to ask a resolver. The check sets the deadline.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar

import trio
from attrs import define

from supervisor.errors import NoThread, StillHanging

T = TypeVar("T")

_threads = trio.CapacityLimiter(math.inf)
"""No limit: a call that hangs must not take the place of another. Callers limit their number."""

_lock = threading.Lock()
"""Guards `_hanging` and the state of each call."""

_hanging: set[_Call[Any]] = set()
"""Calls that were given up and whose threads have not come back."""


async def probe(key: str, function: Callable[[], T]) -> T:
    """Call the function in a thread and return its result; abandon the thread when cancelled.

    `key` names the call: "statvfs of /srv". Raises `StillHanging` at once while an abandoned thread
    of the same key has not come back. Raises `NoThread` when no thread can be started.
    """
    with _lock:
        if any(call.key == key for call in _hanging):
            raise StillHanging(f"an earlier {key} still hangs")
    call = _Call(key, function)
    try:
        return await in_thread(call.run, limiter=_threads)
    except trio.Cancelled:
        call.abandon()
        raise


async def in_thread(function: Callable[[], T], *, limiter: trio.CapacityLimiter | None = None) -> T:
    """Call the function in a thread, which is abandoned when this is cancelled.

    Raises `NoThread` when no thread can be started. Python raises `RuntimeError` then.
    """
    began = False

    def begin() -> T:
        nonlocal began
        began = True
        return function()

    try:
        return await trio.to_thread.run_sync(begin, abandon_on_cancel=True, limiter=limiter)
    except RuntimeError as error:
        if began:
            raise
        raise NoThread.of(error) from error


def abandoned_threads() -> int:
    """Return how many threads were given up and have not come back."""
    with _lock:
        return len(_hanging)


@define(eq=False)
class _Call(Generic[T]):
    """One call of `probe`, which its thread runs and its task may give up."""

    key: str
    function: Callable[[], T]
    state: Literal["waiting", "running", "over"] = "waiting"

    def run(self) -> T:
        with _lock:
            if self.state == "over":  # given up before its thread began, so it does not hang
                raise StillHanging(f"{self.key} was given up")
            self.state = "running"
        try:
            return self.function()
        finally:
            with _lock:
                self.state = "over"
                _hanging.discard(self)

    def abandon(self) -> None:
        with _lock:
            if self.state == "running":
                _hanging.add(self)
            self.state = "over"
