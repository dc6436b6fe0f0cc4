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


async def keep_time(clock: Clock, stopping: trio.Event) -> None:
    """Wake those who doze as the daemon does: at their times, and all of them at the stop."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(clock.watch)
        await stopping.wait()
        clock.rouse_all()
        nursery.cancel_scope.cancel()
