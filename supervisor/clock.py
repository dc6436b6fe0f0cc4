"""The wall clock, injected so that tests can run a day in virtual time."""

from __future__ import annotations

import time

import trio

SLICE = 30.0
"""Seconds: the longest sleep before the wall clock is looked at again."""

STEP = 1.0
"""Seconds by which the wall clock must part from the monotonic one for it to have been set."""


class Clock:
    """The host's wall clock."""

    _last_look: tuple[float, float] | None = None

    def now(self) -> float:
        """Return Unix seconds."""
        return time.time()

    def was_set_by(self) -> float:
        """Return by how many seconds the clock was set since anybody asked, 0.0 if it was not.

        A suspend of the host counts, too.
        """
        look = self.now(), trio.current_time()
        before, self._last_look = self._last_look or look, look
        step = (look[0] - before[0]) - (look[1] - before[1])
        return step if abs(step) > STEP else 0.0

    async def doze(self, until: float, wake: trio.Event) -> None:
        """Sleep towards `until`, but only to the end of this slice, or until `wake` is set.

        Slices end at whole multiples of the wall clock: a clock step or a suspend is noticed
        within one slice, and all who wait wake together, which is cheap.
        """
        now = self.now()
        with trio.move_on_after(max(0.0, min(until, now - now % SLICE + SLICE) - now)):
            await wake.wait()

    async def wait_until(self, when: float, wake: trio.Event) -> bool:
        """Wait until the wall clock shows `when`; return False if `wake` was set before."""
        while not wake.is_set():
            if self.now() >= when:
                return True
            await self.doze(when, wake)
        return False
