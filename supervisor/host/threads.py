"""Calls in threads: those that may hang for ever are given up. That no thread is left is an error.

A check calls `probe` to look at a mount or to ask a resolver. The check sets the deadline.
"""

from __future__ import annotations

import ctypes
import math
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Generic, Literal, TypeVar

import trio
from attrs import define, field

from supervisor.errors import NoThread, StillHanging

T = TypeVar("T")

_threads = trio.CapacityLimiter(math.inf)
"""No limit: a call that hangs must not take the place of another. Callers limit their number."""

_lock = threading.Lock()
"""Guards `_hanging` and the state of each call."""

_hanging: set[_Probe[Any]] = set()
"""Calls that were given up and whose threads have not come back."""


async def probe(key: str, function: Callable[[], T]) -> T:
    """Call the function in a thread and return its result; abandon the thread when cancelled.

    `key` names the call: "statvfs of /srv". Raises `StillHanging` at once while an abandoned thread
    of the same key has not come back. Raises `NoThread` when no thread can be started.
    """
    with _lock:
        if any(call.key == key for call in _hanging):
            raise StillHanging(f"an earlier {key} still hangs")
    call = _Probe(key, function)
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
class _Probe(Generic[T]):
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


@define(eq=False)
class Call(Generic[T]):
    """A function that a worker calls."""

    function: Callable[[], T]
    """What is called."""

    done: trio.Event = field(factory=trio.Event)
    """Set when it has returned or raised."""

    _token: trio.lowlevel.TrioToken | None = None
    """Leads back to the event loop. None if the call is made within it."""

    _results: list[T] = field(factory=list)
    """What it has returned."""

    _error: BaseException | None = None
    """What it has raised."""

    def run(self) -> None:
        """Call the function, and then say so."""
        try:
            self._results.append(self.function())
        except BaseException as error:  # noqa: ASYNC103 - `result` raises it
            self._error = error
        if self._token is None:
            self.done.set()
        else:
            with suppress(trio.RunFinishedError):
                self._token.run_sync_soon(self.done.set)

    def result(self) -> T:
        """Return what the function has returned, or raise what it has raised."""
        if self._error is not None:
            raise self._error
        return self._results[0]


@define(eq=False)
class Worker:
    """One thread that calls functions in their order. It is there before it is needed.

    A thread that is started for each call cannot be started when the host has no more tasks. And a
    call that hangs need not be waited for: it goes on in the thread.
    """

    name: str
    """The thread's name."""

    _calls: SimpleQueue[Call[Any] | None] = field(factory=SimpleQueue)
    """What the thread must call. None ends it."""

    _thread: threading.Thread | None = None
    """None before the start."""

    def start(self) -> None:
        """Start the thread, if it does not run yet. Raises `NoThread`."""
        if self._thread is None:
            thread = threading.Thread(target=self._work, name=self.name, daemon=True)
            start_thread(thread)
            self._thread = thread

    def call(self, function: Callable[[], T]) -> Call[T]:
        """Let the thread call a function after all earlier ones. Raises `NoThread`."""
        self.start()
        call = Call(function, token=trio.lowlevel.current_trio_token())
        self._calls.put(call)
        return call

    def stop(self, last_act: Callable[[], None], timeout: float) -> None:
        """Let the thread do a last act and end. Wait for it, but no longer than `timeout` seconds.

        It is given up when it takes longer.
        """
        if self._thread is None:
            last_act()
            return
        self._calls.put(Call(last_act))
        self._calls.put(None)
        self._thread.join(timeout)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call.run()


def load_thread_exit() -> None:
    """Load the library with which glibc ends a thread. `run` calls this at its start.

    Else glibc would load it when the interpreter ends such threads at its own end. While no
    descriptor is free, glibc cannot, and aborts the process.
    """
    with suppress(OSError):  # another C library does without it
        ctypes.CDLL("libgcc_s.so.1")


def start_thread(thread: threading.Thread) -> None:
    """Start a thread. Raises `NoThread` when the host or the service has no task left for it."""
    try:
        thread.start()
    except RuntimeError as error:
        raise NoThread.of(error) from error
