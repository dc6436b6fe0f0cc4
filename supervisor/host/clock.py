"""The wall clock, injected so that tests can run a day in virtual time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from itertools import count

import trio
from attrs import define, field

MAX_SLEEP = 30.0
"""Seconds that a task sleeps at most before it looks at the wall clock again."""

MIN_SLEEP = 0.01
"""Seconds before a look at which it counts as made: a timer may end a moment too early."""

MIN_STEP = 1.0
"""Seconds. A smaller difference from the monotonic clock does not mean that the clock was set."""

MIN_WAIT = 0.000_001
"""Seconds that `watch` sleeps at least. What is less may vanish when it is added to a time."""

MANY_ALARMS = 100
"""Alarms that may be kept though their sleepers were woken before. Each refers to its sleeper."""


@define(eq=False)
class Clock:
    """The host's wall clock, and who sleeps by it."""

    _last_look: tuple[float, float] | None = field(default=None, init=False)
    """What the wall clock and the monotonic clock showed when `was_set_by` looked last."""

    _dozing: dict[object, tuple[float, int, trio.lowlevel.Task]] = field(factory=dict, init=False)
    """For each sleeper: the time and the number of its alarm, and its task."""

    _alarms: list[tuple[float, int, object]] = field(factory=list, init=False)
    """A heap of times, numbers and sleepers. Some of these were woken before their time."""

    _numbers: Iterator[int] = field(factory=count, init=False)
    """Gives alarms of the same time the order in which they were set."""

    _wait: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    """Ends at the first alarm."""

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
        """Wake each sleeper at its time, and all of them whenever the clock was set.

        This one task has a timer, so that ten thousand modules need none. A suspend of the host
        sets the clock, too.
        """
        offset = self.now() - trio.current_time()
        while True:
            with trio.CancelScope() as self._wait:
                self._wait.deadline = trio.current_time() + self.until_look()
                if self._alarms:
                    self._set_alarm(self._alarms[0][0])
                await trio.sleep_forever()
            now = self.now()
            if abs(now - trio.current_time() - offset) > MIN_STEP:
                offset = now - trio.current_time()
                self.rouse_all()
            while self._alarms and self._alarms[0][0] <= now:
                _, number, sleeper = heappop(self._alarms)
                if sleeper in self._dozing and self._dozing[sleeper][1] == number:
                    self.rouse(sleeper)

    async def doze(self, until: float, sleeper: object) -> None:
        """Sleep until `until` (Unix seconds), or until the sleeper is roused.

        `watch` wakes it, also when it finds that the clock was set. The caller looks at the clock
        afterwards: it may show less.
        """

        def abort(_raise_cancel: object) -> trio.lowlevel.Abort:
            del self._dozing[sleeper]
            return trio.lowlevel.Abort.SUCCEEDED

        number = next(self._numbers)
        self._dozing[sleeper] = until, number, trio.lowlevel.current_task()
        heappush(self._alarms, (until, number, sleeper))
        if len(self._alarms) > MANY_ALARMS + 2 * len(self._dozing):
            self._forget_old_alarms()
        self._set_alarm(until)
        await trio.lowlevel.wait_task_rescheduled(abort)

    def rouse(self, sleeper: object) -> None:
        """Wake a sleeper, if it dozes."""
        if sleeper in self._dozing:
            *_, task = self._dozing.pop(sleeper)
            trio.lowlevel.reschedule(task)

    def rouse_all(self) -> None:
        """Wake all that doze. What is due later then dozes again."""
        for sleeper in tuple(self._dozing):
            self.rouse(sleeper)

    def _forget_old_alarms(self) -> None:
        """Forget the alarms of all who no longer wait for them. Their times may be far away."""
        alarms = self._dozing.items()
        self._alarms = [(until, number, sleeper) for sleeper, (until, number, _) in alarms]
        heapify(self._alarms)

    def _set_alarm(self, until: float) -> None:
        deadline = trio.current_time() + max(MIN_WAIT, until - self.now())
        if deadline < self._wait.deadline:
            self._wait.deadline = deadline
