"""The wall clock, injected so that tests can run a day in virtual time."""

from __future__ import annotations

import time

import trio
from attrs import define, field

SLICE = 30.0
"""Seconds: the longest sleep before the wall clock is looked at again."""

STEP = 1.0
"""Seconds by which the wall clock must part from the monotonic one for it to have been set."""

DRIFT = 0.01
"""Seconds by which they may part before those who doze must reckon anew."""


@define(eq=False)
class Clock:
    """The host's wall clock."""

    _last_look: tuple[float, float] | None = field(default=None, init=False)
    _dozing: set[trio.CancelScope] = field(factory=set, init=False)

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

    async def watch(self) -> None:
        """Wake all who doze whenever the clock was set, or the host suspended.

        One task looks at whole multiples of the slice, so that ten thousand need not.
        """
        apart = self.now() - trio.current_time()
        while True:
            await trio.sleep(SLICE - self.now() % SLICE)
            found = self.now() - trio.current_time()
            if abs(found - apart) > DRIFT:
                apart = found
                for scope in self._dozing:
                    scope.cancel()

    async def doze(self, until: float, wake: trio.Event) -> None:
        """Sleep towards `until`, or until `wake` is set or `watch` finds that the clock was."""
        with trio.move_on_after(max(0.0, until - self.now())) as scope:
            self._dozing.add(scope)
            try:
                await wake.wait()
            finally:
                self._dozing.discard(scope)

    async def wait_until(self, when: float, wake: trio.Event) -> bool:
        """Wait until the wall clock shows `when`; return False if `wake` was set before."""
        while not wake.is_set():
            if self.now() >= when:
                return True
            await self.doze(when, wake)
        return False
