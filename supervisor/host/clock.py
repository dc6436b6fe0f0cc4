"""The wall clock, injected so that tests can run a day in virtual time."""

from __future__ import annotations

import time

import trio
from attrs import define, field

MAX_SLEEP = 30.0
"""Seconds that a task sleeps at most before it looks at the wall clock again."""

MIN_SLEEP = 0.01
"""Seconds before a look at which it counts as made: a timer may end a moment too early."""

MIN_STEP = 1.0
"""Seconds. A smaller difference from the monotonic clock does not mean that the clock was set."""

MAX_DRIFT = 0.01
"""Seconds. With a larger difference from the monotonic clock, tasks that doze must wake."""


@define(eq=False)
class Clock:
    """The host's wall clock."""

    _last_look: tuple[float, float] | None = field(default=None, init=False)
    """What the wall clock and the monotonic clock showed when `was_set_by` looked last."""
    _dozing: dict[object, trio.CancelScope] = field(factory=dict, init=False)
    """A scope of each that dozes; to cancel it wakes the task."""

    def now(self) -> float:
        """Return Unix seconds."""
        return time.time()

    def until_look(self, interval: float | None = None) -> float:
        """Return how many seconds to sleep until the next look at something.

        All tasks look at whole multiples of their interval, which is `MAX_SLEEP` if they do not
        say. So the process wakes once for all of them.
        """
        interval = interval or MAX_SLEEP
        wait = interval - self.now() % interval
        return wait if wait > MIN_SLEEP else wait + interval

    def was_set_by(self) -> float:
        """Return by how many seconds the clock was set since the last call, 0.0 if it was not.

        A suspend of the host sets the clock, too.
        """
        look = self.now(), trio.current_time()
        before, self._last_look = self._last_look or look, look
        step = (look[0] - before[0]) - (look[1] - before[1])
        return step if abs(step) > MIN_STEP else 0.0

    async def watch(self) -> None:
        """Wake all tasks that doze whenever the clock was set, or the host was suspended.

        This one task looks at the clock, so that ten thousand modules need not look.
        """
        offset = self.now() - trio.current_time()
        while True:
            await trio.sleep(self.until_look())
            found = self.now() - trio.current_time()
            if abs(found - offset) > MAX_DRIFT:
                offset = found
                for scope in self._dozing.values():
                    scope.cancel()

    async def doze(self, until: float, wake: trio.Event, sleeper: object) -> None:
        """Sleep until `until`, until `wake` is set, or until `rouse` is called for the sleeper.

        `until` is in Unix seconds. `watch` ends the sleep, too, when it finds that the clock was
        set. The caller looks at the clock afterwards: it may show less.
        """
        with trio.move_on_after(max(0.0, until - self.now())) as self._dozing[sleeper]:
            try:
                await wake.wait()
            finally:
                del self._dozing[sleeper]

    def rouse(self, sleeper: object) -> None:
        """Wake a sleeper, if it dozes."""
        if sleeper in self._dozing:
            self._dozing[sleeper].cancel()
