"""Report runs that go on though they were cancelled. One task does it for all modules."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import trio
from attrs import define, field

Report: TypeAlias = Callable[[], Awaitable[None]]
"""Tells that a run does not end. It stands for the run."""


@define(eq=False, repr=False)
class OverdueRuns:
    """Knows when each run in progress must have ended. A run that ends in time wakes nothing."""

    _due: dict[Report, float] = field(factory=dict)
    """trio's time at which each run in progress is overdue."""

    _wait: trio.CancelScope = field(factory=trio.CancelScope)
    """Ends when the first of them is."""

    def begin(self, report: Report, due: float) -> None:
        """Expect the end of a run, and report it if it has not ended at `due` (trio's time)."""
        self._due[report] = due
        if due < self._wait.deadline:
            self._wait.deadline = due

    def end(self, report: Report) -> bool:
        """Note the end of a run. Return whether it was in time, so that nothing was reported."""
        is_in_time = self._due.pop(report, None) is not None
        if not self._due:
            self._wait.deadline = math.inf
        return is_in_time

    async def watch(self) -> None:
        """Report each run that is overdue, once."""
        while True:
            with trio.CancelScope(deadline=min(self._due.values(), default=math.inf)) as self._wait:
                await trio.sleep_forever()
            now = trio.current_time()
            for report in [each for each, due in self._due.items() if due <= now]:
                if self._due.pop(report, None) is not None:  # it may have ended since then
                    await report()
