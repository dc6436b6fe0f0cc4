"""The life of one module: wait for its time, run its check, and send the run to the recorder.

A check may hang, raise or return something wrong. That disturbs only its own module. See
docs/reference/schedule.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from logging import getLogger
from types import MappingProxyType

import trio
from attrs import define

from supervisor.config.service import Module
from supervisor.host.clock import Clock
from supervisor.modules.context import Context
from supervisor.modules.execution import execute
from supervisor.modules.loader import Check
from supervisor.modules.overdue import OverdueRuns
from supervisor.observations import Json, Run
from supervisor.schedule.schedule import Schedule, Times
from supervisor.stats.module_stats import ModuleStats

CLEAN_UP_TIMEOUT = 5.0
"""Seconds after its timeout in which a run must end. In this time it ends its processes."""

MAX_FIRST_DELAY = 10.0
"""Seconds after the start in which a module with `every` first runs."""

FIRST_MINUTE = 60.0
"""Seconds after the start for which a check that runs last waits for other modules at most."""

POLL_INTERVAL = 1.0
"""Seconds between two looks at the other modules in that minute."""

MAX_CLOCK_STEP = 7200.0
"""Seconds by which a clock may be set back without repeating `at` times.

If the last `at` time lies further ahead, the clock was wrong, and the timetable begins again.
"""

NO_STATE: Mapping[str, Json] = MappingProxyType({})
"""The state of a check that keeps nothing: one value for all of them."""

_log = getLogger("supervisor.modules")


@define(eq=False, repr=False)
class Runner:
    """Runs one module on its timetable until `stopping` is set. A tick is a time to run."""

    module: Module
    """The module as it is configured."""

    check: Check
    """What it runs."""

    schedule: Schedule
    """Its timetable."""

    clock: Clock
    """The host's clock."""

    stats: ModuleStats
    """What it has done. The runner keeps it up to date, except for finished runs."""

    stopping: trio.Event
    """Set when the supervisor stops. Then the clock wakes all that doze."""

    make_context: Callable[[Module, Mapping[str, Json] | None], Context]
    """Returns the context for a run that begins now, with what the last run has kept."""

    overdue: OverdueRuns
    """Reports a run that does not end."""

    send: trio.MemorySendChannel[Run]
    """Leads to the recorder."""

    after: float
    """The last tick that was run or skipped. At the start, the time of the start."""

    others_have_run: Callable[[], bool] = lambda: True
    """Returns whether no other module runs for the first time soon."""

    _asked: bool = False
    """Whether somebody has asked for a run at once."""

    _tick: float = 0.0
    """The tick of the run in progress, or of the last one."""

    _kept: Mapping[str, Json] | None = None
    """What the last run has left for the next one. None before the first run that succeeds.

    The recorder may not have committed it yet when the next run begins.
    """

    def run_now(self) -> bool:
        """Run at once, beside the timetable. Return False while a run is in progress."""
        if self.stats.state == "running":
            return False
        self._asked = True
        self.clock.rouse(self)
        return True

    def run_soon(self) -> None:
        """Run at once, or as soon as the present run has ended."""
        self._asked = True
        self.clock.rouse(self)

    def forget_run(self) -> None:
        """Do not report the run in progress any more, since it was cancelled."""
        self.overdue.end(self._tell_overdue)

    async def supervise(
        self,
        first: float,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Run at `first` (Unix seconds) if that comes before the timetable, then follow it."""
        tick = min(first, self.schedule.next_after(self.after))
        self.stats.next_run = tick
        task_status.started()
        first_minute_ends = trio.current_time() + FIRST_MINUTE
        while not self.stopping.is_set():
            now = self.clock.now()
            if self._asked:
                self._asked = False
                await self._run(now)
                tick = self._next_tick()
            elif now < tick:
                await self.clock.doze(tick, self)
                tick = min(tick, self._next_tick())
            elif self._is_too_early(first_minute_ends):
                await self.clock.doze(now + POLL_INTERVAL, self)
            else:
                await self._run(self._latest(tick, now))
                tick = self._next_tick()
            self.stats.next_run = tick

    def _is_too_early(self, first_minute_ends: float) -> bool:
        """Return whether a check that runs last must wait for other modules."""
        is_first_minute = trio.current_time() < first_minute_ends
        return self.check.runs_last and is_first_minute and not self.others_have_run()

    def _next_tick(self) -> float:
        """Return the next tick. The clock may have been set back since the last one."""
        now = self.clock.now()
        if isinstance(self.schedule, Times):
            ahead = self.after - now > MAX_CLOCK_STEP
        else:
            ahead = self.after > now + self.schedule.every
        if ahead:
            self.after = now
        return self.schedule.next_after(self.after)

    def _latest(self, tick: float, now: float) -> float | None:
        """Return the newest tick that is due, or None if it is too late. Count the others."""
        due = self.schedule.count(tick, now + 0.001)
        if due > 1:
            self.stats.skipped["late"] += due - 1
            tick = self.schedule.last_before(now + 0.001)
        if isinstance(self.schedule, Times) and now - tick > self.module.catch_up:
            self.stats.skipped["late"] += 1
            self.after = tick
            return None
        return tick

    async def _run(self, tick: float | None) -> None:
        if tick is None:
            return
        self.stats.state, self._tick = "running", tick
        most = self.module.timeout + CLEAN_UP_TIMEOUT
        self.overdue.begin(self._tell_overdue, trio.current_time() + most)
        try:
            context = self.make_context(self.module, self._kept)
            run = await execute(self.module, self.check, context, tick)
            await trio.lowlevel.checkpoint_if_cancelled()  # the check may have ignored it
        finally:
            is_in_time = self.overdue.end(self._tell_overdue)
        if is_in_time:
            await self._tell(run)
            if not run.error:
                self._kept = run.state or NO_STATE
        self.stats.state = "waiting"
        self._skip_ticks_since(tick)

    async def _tell_overdue(self) -> None:
        """Report the run in progress, which ignores its cancellation. Only its module waits."""
        error = f"timed out after {self.module.timeout:g} s and cannot be stopped"
        _log.error("%s: %s", self.module.name, error)
        seconds = self.module.timeout + CLEAN_UP_TIMEOUT
        await self._tell(
            Run(
                module=self.module.name,
                scheduled=self._tick,
                started=self.clock.now() - seconds,
                seconds=seconds,
                error=error,
                timed_out=True,
            )
        )

    async def _tell(self, run: Run) -> None:
        try:
            self.send.send_nowait(run)
        except trio.WouldBlock:
            await self.send.send(run)

    def _skip_ticks_since(self, tick: float) -> None:
        now = self.clock.now()
        first = self.schedule.next_after(tick)
        if first < now:
            self.stats.skipped["running"] += self.schedule.count(first, now)
            self.after = self.schedule.last_before(now)
        else:
            self.after = tick


def first_run(schedule: Schedule, missed: float | None, now: float) -> float:
    """Return when a module first runs after the start, beside its timetable.

    A module with `at` runs for the time that it `missed`, if there is one. Others run soon. They
    are spread in the same way as later on.
    """
    if isinstance(schedule, Times):
        return float("inf") if missed is None else missed
    return now + schedule.offset % min(schedule.every, MAX_FIRST_DELAY)
