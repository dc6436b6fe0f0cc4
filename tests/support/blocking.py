"""Notices a step of a task that blocks the event loop. On in every async test: see conftest.py.

Two things do not count, so that neither a busy machine nor a long run of tests fails one:
- the time for which the thread was ready to run and had no processor, as the kernel tells it;
- garbage collections: the heap of a whole test run is not that of a supervisor.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import trio
from attrs import define, field
from trio.abc import Instrument

MAX_STEP = 0.2
"""Seconds that one step of one task may take."""

FRESH = 0.02
"""Seconds for which the kernel's figure is taken as it was: reading it at each step is slow."""

_SCHEDSTAT = Path("/proc/thread-self/schedstat")
"""Nanoseconds that the thread has run, that it has waited for a processor, and how often."""


@define(eq=False)
class BlockingSteps(Instrument):
    """Collects the steps that took too long, each as a line of text."""

    found: list[str] = field(factory=list)
    """The steps, for the message of the test that fails."""

    _began: float = 0.0
    """When the present step began, in seconds."""

    _waited: float = 0.0
    """For how long the thread had waited for a processor when that was last read."""

    _read_at: float = -1.0
    """When it was last read."""

    _collected: float = 0.0
    """Seconds of garbage collection within the present step."""

    _collection_began: float = 0.0
    """When the present collection began."""

    def watch_every_run(self) -> None:
        """Let each `trio.run` of this process be watched, pytest's own included."""
        run = trio.run

        def watched(*arguments: Any, instruments: Sequence[Instrument] = (), **more: Any) -> Any:
            return run(*arguments, instruments=[*instruments, self], **more)

        gc.callbacks.append(self._note_collection)
        trio.run = watched  # type: ignore[assignment]  # of the same shape for its callers

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Remember when the step begins."""
        now = time.perf_counter()
        if now - self._read_at > FRESH:
            self._waited, self._read_at = waited_for_processor(), now
        self._collected = 0.0
        self._began = time.perf_counter()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """Note the step if it was too long."""
        took = time.perf_counter() - self._began
        if took > MAX_STEP:
            waited = waited_for_processor()
            blocked = took - (waited - self._waited) - self._collected
            if blocked > MAX_STEP:
                self.found.append(f"{task.name}: {blocked:.2f} s in one step")
            self._waited, self._read_at = waited, time.perf_counter()

    def _note_collection(self, phase: str, _info: Mapping[str, int]) -> None:
        now = time.perf_counter()
        if phase == "start":
            self._collection_began = now
        else:
            self._collected += now - self._collection_began


def waited_for_processor() -> float:
    """Return for how many seconds this thread was ready to run and had no processor."""
    try:
        return int(_SCHEDSTAT.read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0  # a kernel without it: a busy machine may then fail a test
