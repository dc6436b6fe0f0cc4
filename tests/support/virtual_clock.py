"""A wall clock in virtual time, for tests under trio's MockClock."""

from __future__ import annotations

import trio
from attrs import define

from supervisor.host.clock import Clock


@define
class VirtualClock(Clock):
    """Runs with trio's clock."""

    start: float = 0.0
    """Unix seconds when trio's clock shows 0."""

    def now(self) -> float:
        return self.start + trio.current_time()

    def step(self, seconds: float) -> None:
        """Set the clock by some seconds."""
        self.start += seconds


@define
class FrozenClock(Clock):
    """Shows the same time for ever."""

    moment: float
    """Unix seconds."""

    def now(self) -> float:
        return self.moment
