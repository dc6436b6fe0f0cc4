"""A wall clock in virtual time, for tests under trio's MockClock."""

from __future__ import annotations

import trio
from attrs import define

from supervisor.host.clock import Clock


@define
class VirtualClock(Clock):
    """Shows `start` (Unix seconds) when trio's clock shows 0; `step` moves it like a clock step."""

    start: float = 0.0

    def now(self) -> float:
        return self.start + trio.current_time()

    def step(self, seconds: float) -> None:
        self.start += seconds


@define
class FrozenClock(Clock):
    """Shows one time for ever."""

    moment: float

    def now(self) -> float:
        return self.moment
