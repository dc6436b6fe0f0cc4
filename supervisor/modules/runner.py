"""One module's life: wait for its time, run its check within its deadline, hand on the outcome.

A check may hang, raise or return rubbish; nobody but its own module notices.
"""

from __future__ import annotations

from collections.abc import Callable
from logging import getLogger

import trio
from attrs import define, field

from supervisor.config.service import Module
from supervisor.host.clock import Clock
from supervisor.modules.context import Context
from supervisor.modules.execution import execute
from supervisor.modules.loader import Check
from supervisor.observations import Run
from supervisor.schedule.schedule import Schedule, Times
from supervisor.stats.module_stats import ModuleStats

PATIENCE = 5.0
"""Seconds after its timeout in which a check must have ended, clean-up of processes included."""

FIRST_RUN_WITHIN = 10.0

LOST_CLOCK = 7200.0
"""Seconds: a last `at` time that lies further ahead was made by a clock that was wrong."""

_log = getLogger("supervisor.modules")


@define
class Runner:
    """Runs one module on its timetable until `stopping` is set."""

    module: Module
    check: Check
    schedule: Schedule
    clock: Clock
    stats: ModuleStats
    stopping: trio.Event
    make_context: Callable[[Module], Context]
    send: trio.MemorySendChannel[Run]
    after: float
    """The last tick that was dealt with; at the start, now."""

    _nursery: trio.Nursery = field(init=False)
    _pause: trio.CancelScope = field(factory=trio.CancelScope)
    _asked: bool = False

    def run_now(self) -> bool:
        """Run at once, beside the timetable; return False while a run is in progress."""
        if self.stats.state == "running":
            return False
        self._asked = True
        self._pause.cancel()
        return True

    async def supervise(
        self,
        first: float,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Run at `first` (Unix seconds) if that comes before the timetable, then follow it."""
        async with trio.open_nursery() as self._nursery:
            tick = min(first, self.schedule.next_after(self.after))
            self.stats.next_run = tick
            task_status.started()
            while not self.stopping.is_set():
                now = self.clock.now()
                if self._asked:
                    self._asked = False
                    await self._run(now)
                    tick = self._next_tick()
                elif now < tick:
                    with trio.CancelScope() as self._pause:
                        await self.clock.doze(tick, self.stopping)
                    tick = min(tick, self._next_tick())
                else:
                    await self._run(self._latest(tick, now))
                    tick = self._next_tick()
                self.stats.next_run = tick

    def _next_tick(self) -> float:
        """Return the next tick by the clock of now, which may have been set back."""
        now = self.clock.now()
        if isinstance(self.schedule, Times):
            ahead = self.after - now > LOST_CLOCK
        else:
            ahead = self.after > now + self.schedule.every
        if ahead:
            self.after = now
        return self.schedule.next_after(self.after)

    def _latest(self, tick: float, now: float) -> float | None:
        """Return the tick to run for, None when it is too late; those before it are skipped."""
        missed = self.schedule.between(tick, now + 0.001)[1:]
        if missed:
            self.stats.skipped["late"] += len(missed)
            tick = missed[-1]
        if isinstance(self.schedule, Times) and now - tick > self.module.catch_up:
            self.stats.skipped["late"] += 1
            self.after = tick
            return None
        return tick

    async def _run(self, tick: float | None) -> None:
        if tick is None:
            return
        outcome: list[Run] = []
        done = trio.Event()
        self.stats.state = "running"
        name = f"run of {self.module.name}"
        self._nursery.start_soon(self._execute, tick, outcome, done, name=name)
        with trio.move_on_after(self.module.timeout + PATIENCE):
            await done.wait()
        if outcome:
            await self.send.send(outcome[0])
        else:
            await self._outlast(tick, done)
        self.stats.state = "waiting"
        self._skip_ticks_since(tick)

    async def _execute(self, tick: float, outcome: list[Run], done: trio.Event) -> None:
        context = self.make_context(self.module)
        outcome.append(await execute(self.module, self.check, context, tick))
        done.set()

    async def _outlast(self, tick: float, done: trio.Event) -> None:
        """Report a run that ignores its cancellation; its module waits for it, nobody else does."""
        error = f"timed out after {self.module.timeout:g} s and cannot be stopped"
        _log.error("%s: %s", self.module.name, error)
        started = self.clock.now() - self.module.timeout - PATIENCE
        await self.send.send(
            Run(
                self.module.name,
                tick,
                started,
                self.module.timeout + PATIENCE,
                error=error,
                timed_out=True,
            )
        )
        await done.wait()

    def _skip_ticks_since(self, tick: float) -> None:
        now = self.clock.now()
        missed = [moment for moment in self.schedule.between(tick, now) if moment > tick]
        self.stats.skipped["running"] += len(missed)
        self.after = max([tick, *missed])


def first_run(schedule: Schedule, missed: float | None, now: float) -> float:
    """Return when a module first runs after the start, beside its timetable.

    An `at` module makes up for the time it `missed`; others run soon, spread like their grid.
    """
    if isinstance(schedule, Times):
        return float("inf") if missed is None else missed
    return now + schedule.offset % min(schedule.every, FIRST_RUN_WITHIN)
