"""The first SIGTERM or SIGINT stops the supervisor, the second ends it at once. SIGHUP reloads."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType

import trio

from supervisor.host import inherited
from supervisor.host.log import writer
from supervisor.host.threads import start_thread

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
"""Signals that stop the supervisor."""


@contextmanager
def stop_on_signals(
    stopping: trio.Event,
    grace: Callable[[], float],
    last_act: Callable[[], None],
    reload: Callable[[], None],
) -> Iterator[None]:
    """Set `stopping` on the first signal; end the process at the latest `grace()` seconds later.

    `last_act` runs before such a hard exit. The handlers are plain ones, and a thread watches the
    time. Unlike trio's signal receiver, these work even while a check blocks the event loop or
    a thread cannot be cancelled. Raises `NoThread` when the thread cannot be started.
    """
    token = trio.lowlevel.current_trio_token()
    # A handler must not take a lock, so it cannot start a thread. This `put` takes none.
    allowed: SimpleQueue[float | None] = SimpleQueue()
    seen = False

    def end() -> None:
        try:
            last_act()
        finally:
            writer.flush_all()
            os._exit(1)

    def watch() -> None:
        within = allowed.get()
        if within is not None:
            time.sleep(max(0.0, within))
            end()

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal seen
        if seen:
            end()
        seen = True
        allowed.put(grace())
        token.run_sync_soon(stopping.set)

    def hang_up(_number: int, _frame: FrameType | None) -> None:
        token.run_sync_soon(reload, idempotent=True)

    start_thread(threading.Thread(target=watch, name="stop grace", daemon=True))
    before = {number: signal.signal(number, handle) for number in STOP_SIGNALS}
    before[signal.SIGHUP] = signal.signal(signal.SIGHUP, hang_up)
    if inherited.take_hang_up():
        reload()  # the service file may be newer than what was read at the start
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        allowed.put(None)  # ends the thread if no signal came; else the grace goes on
