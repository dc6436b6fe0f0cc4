"""Time that passes only when nothing else happens: trio's clock, and the wall clock of a host."""

from __future__ import annotations

import math
from collections.abc import Callable

import trio
from attrs import define, field

from supervisor.host.clock import Clock

MAX_STOOD_STILL = 10_000
"""How often tasks may wait without any time that passes. More is a loop without an end."""


@define(eq=False)
class JumpingClock(trio.abc.Clock):
    """Jumps to the next deadline as soon as all tasks wait.

    In this world there are no threads and no sockets to wait for. So nothing can happen in
    between. That is why this is simpler and faster than trio's `MockClock`.
    """

    time: float = 0.0
    """Seconds since the start."""

    _stood_still: int = 0
    """How often trio has waited since then for a moment that had come already."""

    def start_clock(self) -> None:
        """Nothing needs to be started."""

    def current_time(self) -> float:
        """Return the seconds since the start."""
        return self.time

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Jump to the deadline, and do not wait. Without one, trio is about to end."""
        if deadline > self.time:
            self._stood_still = 0
            if deadline != math.inf:
                self.time = deadline
        else:
            self._stood_still += 1
            if self._stood_still > MAX_STOOD_STILL:
                raise RuntimeError("some task works for ever, and no time passes")
        return 0.0


@define(eq=False)
class TrueTime:
    """What time it is, whatever a clock of the host shows. A suspend of the host does not stop it.

    trio's clock is the host's monotonic clock: it stands still while the host is suspended.
    """

    start: float
    """Unix seconds at the start."""

    monotonic: JumpingClock
    """The clock of the event loop."""

    suspended: float = 0.0
    """Seconds for which the host was suspended so far."""

    def now(self) -> float:
        """Return Unix seconds."""
        return self.start + self.monotonic.time + self.suspended

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self.now() - self.start


@define(eq=False)
class HostClock(Clock):
    """The wall clock of the simulated host. It may be wrong, and drift, and be set."""

    true: TrueTime = field(kw_only=True)
    """The true time."""

    error: float = 0.0
    """Seconds by which it is ahead of the true time, at `_anchor`."""

    drift: float = 0.0
    """Seconds that it gains in each second."""

    tell: Callable[[float], None] = lambda _by: None
    """Told by how many seconds it was set."""

    _anchor: float = 0.0
    """The true time since the start at which `error` was measured."""

    def now(self) -> float:
        """Return Unix seconds, as the host sees them."""
        now = self.true.now() + self.error
        if self.drift:
            now += (self.true.elapsed - self._anchor) * self.drift
        return now

    def set_by(self, seconds: float) -> None:
        """Set the clock ahead, or back."""
        self._settle()
        self.error += seconds
        self.tell(seconds)

    def drift_by(self, drift: float) -> None:
        """Let the clock go faster or slower from now on."""
        self._settle()
        self.drift = drift

    def correct(self) -> None:
        """Show the true time, and do not drift."""
        self._settle()
        by = -self.error
        self.error = self.drift = 0.0
        self.tell(by)

    def suspend(self, seconds: float) -> None:
        """Let it go on while the host sleeps. The monotonic clock stands still."""
        self.true.suspended += seconds
        self.tell(seconds)

    def _settle(self) -> None:
        elapsed = self.true.elapsed
        self.error += (elapsed - self._anchor) * self.drift
        self._anchor = elapsed
