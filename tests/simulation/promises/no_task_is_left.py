"""Judges whether a life leaves anything behind in the process: tasks, descriptors, memory."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define

from tests.simulation.events import Event, LifeEnded
from tests.simulation.promises.finding import Finding
from tests.simulation.scenario import Scenario

NAME = "no_task_is_left"


@define(eq=False)
class NoTaskIsLeft:
    """Looks at the end of each life."""

    def hear(self, event: Event) -> Iterable[Finding]:
        """Return what is left."""
        if isinstance(event, LifeEnded):
            if event.left:
                yield Finding(NAME, event.at, f"tasks that go on: {', '.join(event.left)}")
            if event.descriptors > 0:
                yield Finding(NAME, event.at, f"{event.descriptors} descriptors are left open")
            if event.kept:
                yield Finding(NAME, event.at, f"{event.kept} earlier lives are still in memory")

    def at_the_end(self, at: float) -> Iterable[Finding]:
        """Return nothing."""
        return ()


def no_task_is_left(_scenario: Scenario) -> NoTaskIsLeft:
    """Return the judge for a scenario."""
    return NoTaskIsLeft()
