"""Tasks of modules: which a reload ends and starts, and when; in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import pairwise

import pytest
import trio
from attrs import define, evolve, field
from trio.testing import MockClock

from supervisor.config.current import CurrentConfig
from supervisor.config.service import Module, Service
from supervisor.ledger.store import Store
from supervisor.modules.context import Context
from supervisor.modules.context_factory import ContextFactory
from supervisor.modules.loader import Check
from supervisor.modules.overdue import OverdueRuns
from supervisor.modules.tasks import ModuleTasks
from supervisor.observations import Duration, Observation, Run
from supervisor.stats.module_stats import ModuleStats, fit
from tests.support.ledger_bench import service_of
from tests.support.virtual_clock import VirtualClock, keep_time

START = 1_700_000_000.0
A = Module("fake", "a", every=Duration(60))
B = Module("fake", "b", every=Duration(90))
NOON = Module("fake", "noon", at=("12:00",))
LATE = Module("last", "daily", every=Duration(3600))


@define
class Floor:
    """Modules whose check does what the test says; `begun` and `ended` are trio's times."""

    store: Store
    tasks: ModuleTasks
    receive: trio.MemoryReceiveChannel[Run]
    begun: list[tuple[str, float]] = field(factory=list)
    ended: list[tuple[str, float]] = field(factory=list)

    async def reload(self, *modules: Module) -> tuple[list[str], list[str]]:
        """Go over to these modules; return the names of those ended and started."""
        service = service_of(*modules)
        ended = self.tasks.end_changed(service)
        self.store.config.service = service
        return ended, await self.tasks.start_missing()

    def done(self) -> list[str]:
        found = []
        while True:
            try:
                found.append(self.receive.receive_nowait().module)
            except trio.WouldBlock:
                return found


@asynccontextmanager
async def floor(
    service: Service, work: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint
) -> AsyncIterator[Floor]:
    clock, stopping, store = VirtualClock(START), trio.Event(), Store(CurrentConfig(service))
    send, receive = trio.open_memory_channel[Run](1000)
    made: list[Floor] = []
    overdue = OverdueRuns()

    async def run(context: Context, _params: object) -> Iterable[Observation]:
        made[0].begun.append((context.module, trio.current_time()))
        try:
            await work()
        finally:
            made[0].ended.append((context.module, trio.current_time()))
        return ()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(overdue.watch)
        nursery.start_soon(keep_time, clock, stopping)
        tasks = ModuleTasks(
            store=store,
            clock=clock,
            stats={},
            stopping=stopping,
            make_context=ContextFactory(clock, store).context,
            overdue=overdue,
            find_check=lambda name: Check("fake", object, run, runs_last=name == "last"),
            send=send,
            nursery=nursery,
        )
        made.append(Floor(store, tasks, receive))
        await tasks.start_missing()
        yield made[0]
        nursery.cancel_scope.cancel()


async def test_only_what_differs_is_ended_and_started(autojump_clock: MockClock) -> None:
    async with floor(service_of(A, B)) as tested:
        slower = evolve(B, timeout=Duration(5))

        assert await tested.reload(A, B) == ([], [])
        assert await tested.reload(A, slower) == (["b"], ["b"])
        assert await tested.reload(A, slower, NOON) == ([], ["noon"])
        assert await tested.reload(slower) == (["a", "noon"], [])
        assert await tested.reload(evolve(slower, enabled=False)) == (["b"], [])
        assert await tested.reload(slower) == ([], ["b"])


async def test_a_module_that_stays_keeps_its_timetable(autojump_clock: MockClock) -> None:
    async with floor(service_of(A, B)) as tested:
        await trio.sleep(200)
        await tested.reload(A)
        await trio.sleep(200)
        moments = [moment for name, moment in tested.begun if name == "a"]

    steps = {round(later - earlier, 3) for earlier, later in pairwise(moments[1:])}
    assert steps == {60.0}


async def test_a_module_that_was_changed_runs_soon(autojump_clock: MockClock) -> None:
    async with floor(service_of(A)) as tested:
        await trio.sleep(70)
        before = len(tested.begun)
        await tested.reload(evolve(A, labels={"team": "x"}))
        await trio.sleep(10)

        assert len(tested.begun) > before


async def test_a_run_in_progress_ends_with_its_module_and_did_not_happen(
    autojump_clock: MockClock,
) -> None:
    async with floor(service_of(A, B), partial(trio.sleep, 25)) as tested:
        await trio.sleep(15)
        await tested.reload(A)
        await trio.sleep(20)

        assert ("b", 15.0) in tested.ended
        assert tested.done() == ["a"]


async def test_the_new_waits_for_an_old_run_that_cannot_be_cancelled(
    autojump_clock: MockClock,
) -> None:
    async def stubborn() -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(300)

    async with floor(service_of(A), stubborn) as tested:
        await trio.sleep(11)
        began = trio.current_time()
        await tested.reload(evolve(A, labels={"team": "x"}))
        reloaded_in = trio.current_time() - began
        await trio.sleep(500)

        assert reloaded_in == 0
        (first, second) = (moment for _, moment in tested.begun)
        assert second >= tested.ended[0][1] >= first + 300


STAYS, SLOWER = (A, B), (evolve(A, labels={"team": "x"}), B)


@pytest.mark.parametrize(
    "reloads",
    [[SLOWER], [(B,), STAYS], [SLOWER, STAYS], [(B,), STAYS, (B,), STAYS], [SLOWER, (B,), STAYS]],
    ids=["changed", "removed and added", "changed twice", "removed twice", "changed and removed"],
)
async def test_a_module_never_runs_twice_at_once_whatever_reloads_do(
    reloads: list[tuple[Module, ...]], autojump_clock: MockClock
) -> None:
    async def stubborn() -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(300)

    async with floor(service_of(A, B), stubborn) as tested:
        await trio.sleep(20)
        for modules in reloads:
            await tested.reload(*modules)
            await trio.sleep(5)
        await trio.sleep(500)

    begun, ended = (
        [moment for name, moment in moments if name == "a"]
        for moments in (tested.begun, tested.ended)
    )
    assert len(begun) > 1
    assert all(later >= end for later, end in zip(begun[1:], ended, strict=False))


async def test_a_run_that_ignores_a_reload_is_not_reported(autojump_clock: MockClock) -> None:
    async def stubborn() -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(300)

    async with floor(service_of(A), stubborn) as tested:
        await trio.sleep(20)
        await tested.reload(B)
        await trio.sleep(500)

        assert "a" in [name for name, _ in tested.ended]
        assert "a" not in tested.done()


async def test_what_a_check_returns_although_it_was_stopped_does_not_count(
    autojump_clock: MockClock,
) -> None:
    async def deaf() -> None:
        with suppress(trio.Cancelled):  # that is what this check does wrong
            await trio.sleep_forever()

    async with floor(service_of(A), deaf) as tested:
        await trio.sleep(20)

    assert tested.ended
    assert tested.done() == []


async def test_progress_follows_the_configuration(autojump_clock: MockClock) -> None:
    async with floor(service_of(A, B)) as tested:
        await trio.sleep(70)
        kept = tested.tasks.stats["a"]
        await tested.reload(NOON, A, evolve(B, check="other"))

        assert ["noon", "a", "b"] == [*tested.tasks.stats]
        assert tested.tasks.stats["a"] is kept
        assert tested.tasks.stats["b"].check == "other"


def test_a_module_that_is_disabled_says_so_and_comes_back() -> None:
    stats: dict[str, ModuleStats] = {}
    fit(stats, service_of(A))
    same = stats["a"]
    fit(stats, service_of(evolve(A, enabled=False)))

    assert (stats["a"], same.state) == (same, "disabled")
    fit(stats, service_of(A))
    assert (stats["a"], same.state) == (same, "waiting")


async def first_report(*others: Module, stops_at: float = 0.0) -> float:
    """Return the seconds after the start at which a module that runs last first runs."""
    async with floor(service_of(*others, LATE)) as tested:

        def finish(name: str) -> None:
            tested.tasks.stats[name].finish(Run(name, 0.0, 0.0, 0.1))

        while "daily" not in [name for name, _ in tested.begun]:
            await trio.sleep(0.1)
            for name in tested.done():
                if name != "slow" or trio.current_time() > stops_at:
                    finish(name)
        return next(moment for name, moment in tested.begun if name == "daily")


async def test_a_report_waits_until_each_other_module_has_run(autojump_clock: MockClock) -> None:
    begun = trio.current_time()
    slow = Module("fake", "slow", every=Duration(20))

    assert await first_report(A, B) - begun <= 12
    assert 14 <= await first_report(A, slow, stops_at=trio.current_time() + 15) - begun <= 60


async def test_a_report_waits_for_the_first_minute_at_most(autojump_clock: MockClock) -> None:
    begun = trio.current_time()
    slow = Module("fake", "slow", every=Duration(20))

    assert 60 <= await first_report(A, slow, stops_at=9e9) - begun <= 61


@pytest.mark.parametrize(("ends", "expected"), [("stop", 0), ("run_now", 1)])
async def test_a_report_that_waits_for_others_ends_with_a_stop_and_is_made_once_when_asked_for(
    autojump_clock: MockClock, ends: str, expected: int
) -> None:
    async with floor(service_of(A, LATE)) as tested:  # no run of A is ever committed
        await trio.sleep(30)
        if ends == "stop":
            tested.tasks.stopping.set()
        else:
            assert tested.tasks.run_now("daily")
        await trio.sleep(60)

        assert [name for name, _ in tested.begun].count("daily") == expected


async def test_a_report_does_not_wait_for_a_module_that_is_due_much_later(
    autojump_clock: MockClock,
) -> None:
    begun = trio.current_time()

    assert await first_report(A, NOON) - begun <= 12
