"""The wall clock, injected so that tests can run a day in virtual time."""

from __future__ import annotations

import time

import trio

SLICE = 30.0
"""Seconds: the longest sleep before the wall clock is looked at again."""


class Clock:
    """The host's wall clock."""

    def now(self) -> float:
        """Return Unix seconds."""
        return time.time()

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
