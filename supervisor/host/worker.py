"""One thread that calls functions in their order. It is there before it is needed.

A thread that is started for each call cannot be started when the host has no more tasks. And a call
that hangs need not be waited for: it goes on in the thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

import trio
from attrs import define, field

from supervisor.errors import NoThread

T = TypeVar("T")


@define(eq=False)
class Call(Generic[T]):
    """A function that is called in the thread."""

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
        except BaseException as error:
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
    """A thread, and the calls that wait for it."""

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


def start_thread(thread: threading.Thread) -> None:
    """Start a thread. Raises `NoThread` when the host or the service has no task left for it."""
    try:
        thread.start()
    except RuntimeError as error:
        raise NoThread.of(error) from error
