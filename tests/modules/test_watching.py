"""A check that asks for runs: at once, during a run, and whatever its `watch` does."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import trio
from attrs import define, evolve, field
from trio.testing import MockClock

from supervisor.config.current import CurrentConfig
from supervisor.config.service import Module
from supervisor.ledger.store import Store
from supervisor.modules.context import Context
from supervisor.modules.context_factory import ContextFactory
from supervisor.modules.loader import Check
from supervisor.modules.overdue import OverdueRuns
from supervisor.modules.tasks import ModuleTasks
from supervisor.modules.watching import WATCH_AGAIN
from supervisor.observations import Duration, Observation, Run
from tests.support.ledger_bench import service_of
from tests.support.virtual_clock import VirtualClock, keep_time

START = 1_700_000_000.0
MODULE = Module("fake", "a", every=Duration(3600), timeout=Duration(300))

RunSoon = Callable[[], None]


@define
class Watched:
    """A module whose check has a `watch`."""

    watch: Callable[[RunSoon], object]
    runs: list[float] = field(factory=list)
    """trio's times at which runs began."""
    watches: list[float] = field(factory=list)
    """The same for calls of `watch`."""
    seconds: float = 0.0
    """How long a run takes."""

    async def run_for(self, seconds: float, module: Module | None = None) -> None:
        """Run the module for so long; a reload may change it in the middle."""
        service = service_of(MODULE)
        store, stopping = Store(CurrentConfig(service)), trio.Event()
        clock = VirtualClock(START)
        send, _receive = trio.open_memory_channel[Run](1000)
        async with trio.open_nursery() as nursery:
            overdue = OverdueRuns()
            nursery.start_soon(overdue.watch)
            nursery.start_soon(keep_time, clock, stopping)
            tasks = ModuleTasks(
                store=store,
                clock=clock,
                stats={},
                stopping=stopping,
                make_context=ContextFactory(clock, store).context,
                overdue=overdue,
                find_check=lambda _: Check("fake", object, self._run, watch=self._watch),
                send=send,
                nursery=nursery,
            )
            await tasks.start_missing()
            await trio.sleep(seconds / 2)
            if module is not None:
                changed = service_of(module)
                tasks.end_changed(changed)
                store.config.service = changed
                await tasks.start_missing()
            await trio.sleep(seconds / 2)
            stopping.set()
            await trio.sleep(self.seconds + 1)
            assert all(not name.startswith("module ") for name in _children(nursery))
            nursery.cancel_scope.cancel()

    async def _run(self, _context: Context, _params: object) -> Iterable[Observation]:
        self.runs.append(trio.current_time())
        await trio.sleep(self.seconds)
        return ()

    async def _watch(self, _context: Context, _params: object, run_soon: RunSoon) -> None:
        self.watches.append(trio.current_time())
        result = self.watch(run_soon)
        if result is not None:
            await result  # type: ignore[misc]  # what is not None is a coroutine


def _children(nursery: trio.Nursery) -> list[str]:
    return [task.name for task in nursery.child_tasks]


async def test_it_runs_at_once_when_its_watch_asks(autojump_clock: MockClock) -> None:
    async def after_100_seconds(run_soon: RunSoon) -> None:
        await trio.sleep(100)
        run_soon()
        await trio.sleep_forever()

    watched = Watched(after_100_seconds)
    await watched.run_for(1000)

    assert [moment for moment in watched.runs if moment > 20] == [100]


async def test_what_is_asked_during_a_run_is_done_after_it(autojump_clock: MockClock) -> None:
    async def three_times(run_soon: RunSoon) -> None:
        for _ in range(3):
            await trio.sleep(100)
            run_soon()
        await trio.sleep_forever()

    watched = Watched(three_times, seconds=150)
    await watched.run_for(2000)
    first = watched.runs[0]

    assert [round(moment - first) for moment in watched.runs] == [0, 150, 300]


async def test_a_watch_that_raises_or_ends_is_called_again(autojump_clock: MockClock) -> None:
    def broken(_run_soon: RunSoon) -> None:
        raise ValueError("no socket")

    for watch in (broken, lambda _: None):
        watched = Watched(watch)
        began = trio.current_time()
        await watched.run_for(100)

        assert [moment - began for moment in watched.watches] == [
            WATCH_AGAIN * number for number in range(4)
        ]
        assert watched.runs


async def test_a_reload_ends_the_watch_of_a_changed_module(autojump_clock: MockClock) -> None:
    ended: list[float] = []

    async def until_cancelled(_run_soon: RunSoon) -> None:
        try:
            await trio.sleep_forever()
        finally:
            ended.append(trio.current_time())

    watched = Watched(until_cancelled)
    await watched.run_for(100, evolve(MODULE, every=Duration(1800)))

    assert watched.watches == [0, 50]
    assert ended == [50, 100]
