"""A periodic job of which only the last run before now matters."""

from __future__ import annotations

from attrs import define


@define
class Ticks:
    """Runs of a job at `start + n * interval`, for n = 1, 2, 3 …"""

    start: float
    interval: float
    done: float | None = None
    """The last run that was taken."""

    def take(self, now: float) -> float | None:
        """Return the last run until now, once; None if it was taken before."""
        last = self.start + (now - self.start) // self.interval * self.interval
        if last <= self.start or last == self.done:
            return None
        self.done = last
        return last

    def after(self, now: float) -> float:
        """Return the first run after now."""
        return self.start + ((now - self.start) // self.interval + 1) * self.interval
