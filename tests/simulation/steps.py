"""Kills the simulated process between two steps of its tasks, wherever that is."""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import define


@define(eq=False)
class AfterSteps(trio.abc.Instrument):
    """Calls something after a number of steps of any task. A step ends at an await point."""

    left: int
    act: Callable[[], None]

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """Count a step."""
        self.left -= 1
        if self.left <= 0:
            trio.lowlevel.remove_instrument(self)
            self.act()
