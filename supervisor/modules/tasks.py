"""One task for each enabled module. A reload may end or replace it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import trio
from attrs import define, field

from supervisor.config.service import Module, Service
from supervisor.host.clock import Clock
from supervisor.ledger.store import Store
from supervisor.modules.context import Context
from supervisor.modules.loader import Check
from supervisor.modules.overdue import OverdueRuns
from supervisor.modules.runner import FIRST_MINUTE, Runner, first_run
from supervisor.modules.watching import keep_watching
from supervisor.observations import Json, Run
from supervisor.schedule.schedule import Schedule, missed, schedules
from supervisor.stats.module_stats import ModuleStats, fit


@define(eq=False, repr=False)
class ModuleTask:
    """A module that runs on its timetable."""

    module: Module
    """The module as it is configured."""

    schedule: Schedule
    """Its timetable."""

    runner: Runner | None = None
    """Runs it. None while an old run of the module has not ended."""

    scope: trio.CancelScope = field(factory=trio.CancelScope)
    """Ends the task."""

    def end(self) -> None:
        """End the task. A run in progress does not count."""
        self.scope.cancel()
        if self.runner is not None:
            self.runner.forget_run()


@define(eq=False, repr=False)
class ModuleTasks:
    """Keeps one task for each enabled module of the configuration in force."""

    store: Store
    """Holds the configuration in force, and for each module the time of its last run."""

    clock: Clock
    """The host's clock."""

    stats: dict[str, ModuleStats]
    """What each module has done, in the order of the service file. Disabled ones are included."""

    stopping: trio.Event
    """Set when the supervisor stops."""

    make_context: Callable[[Module, Mapping[str, Json] | None], Context]
    """Returns the context for a run that begins now, with what the last run has kept."""

    find_check: Callable[[str], Check]
    """Returns the check of a name."""

    overdue: OverdueRuns
    """Reports runs that do not end."""

    send: trio.MemorySendChannel[Run]
    """Leads to the recorder."""

    nursery: trio.Nursery
    """Where the tasks run."""

    tasks: dict[str, ModuleTask] = field(factory=dict)
    """The tasks by the names of their modules."""

    _turns: dict[str, trio.Lock] = field(factory=dict)
    """Held by the task that runs a module. A cancelled one keeps it until its run has ended."""

    def changed(self, service: Service) -> list[str]:
        """Return the names of the modules that `service` changes or no longer has."""
        timetables = schedules(service)
        wanted = {module.name: module for module in service.modules if module.enabled}
        return [
            name
            for name, task in self.tasks.items()
            if (task.module, task.schedule) != (wanted.get(name), timetables.get(name))
        ]

    def end_changed(self, service: Service) -> list[str]:
        """Cancel the tasks of modules that `service` changes or no longer has. Return their names.

        A run that is cancelled does not count. Its module runs again soon.
        """
        changed = self.changed(service)
        for name in changed:
            self.tasks[name].end()
            self.stats[name].state, self.stats[name].next_run = "waiting", None
        return changed

    async def start_missing(self) -> list[str]:
        """Start a task for each enabled module that has none. Return their names.

        A run may ignore that its task was cancelled. The next task waits until it has ended.
        """
        service = self.store.service
        fit(self.stats, service)
        timetables = schedules(service)
        enabled = {module.name: module for module in service.modules if module.enabled}
        for name in self.tasks.keys() - enabled.keys():
            del self.tasks[name]
        started = []
        for name, module in enabled.items():
            previous = self.tasks.get(name)
            if previous is None or previous.scope.cancel_called:
                self.tasks[name] = task = ModuleTask(module, timetables[name])
                turn = self._turns.setdefault(name, trio.Lock())
                await self.nursery.start(self._live, task, turn, name=f"module {name}")
                started.append(name)
        return started

    def run_now(self, name: str) -> bool:
        """Let a module run at once. Return False if it is running already."""
        task = self.tasks.get(name)
        return task is not None and task.runner is not None and task.runner.run_now()

    async def _live(
        self,
        task: ModuleTask,
        turn: trio.Lock,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        with task.scope:
            if turn.locked():
                task_status.started()
                task_status = trio.TASK_STATUS_IGNORED
            async with turn:
                now = self.clock.now()
                task.runner = self._runner(task, now)
                first = first_run(task.schedule, self._missed(task, now), now)
                if task.runner.check.watch is None:
                    await task.runner.supervise(first, task_status=task_status)
                    return
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(keep_watching, task.runner.check.watch, task.runner)
                    await task.runner.supervise(first, task_status=task_status)
                    nursery.cancel_scope.cancel()

    def _runner(self, task: ModuleTask, now: float) -> Runner:
        check, stats = self.find_check(task.module.check), self.stats[task.module.name]
        record = self.store.modules.get(task.module.name)
        stats.ran_before = record is not None and record.last_scheduled > 0
        stats.looks = not check.runs_last
        return Runner(
            module=task.module,
            check=check,
            schedule=task.schedule,
            clock=self.clock,
            stats=stats,
            stopping=self.stopping,
            make_context=self.make_context,
            overdue=self.overdue,
            send=self.send,
            after=now,
            others_have_run=self._have_run,
        )

    def _have_run(self) -> bool:
        """Return whether no module runs for the first time within the next minute."""
        soon = self.clock.now() + FIRST_MINUTE
        return not any(
            stats.is_awaited and (stats.next_run is None or stats.next_run <= soon)
            for stats in self.stats.values()
        )

    def _missed(self, task: ModuleTask, now: float) -> float | None:
        record = self.store.modules.get(task.module.name)
        last = record.last_scheduled if record else None
        return missed(task.schedule, last, now, task.module.catch_up)
