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

    async def wait_until(self, when: float, wake: trio.Event) -> bool:
        """Wait until the wall clock shows `when`; return False if `wake` was set before.

        The wait is cut at whole slices of the wall clock: a clock step or a suspend is
        noticed within one slice, and all who wait wake together, which is cheap.
        """
        while not wake.is_set():
            now = self.now()
            if now >= when:
                return True
            with trio.move_on_after(min(when, now - now % SLICE + SLICE) - now):
                await wake.wait()
        return False
