"""The life of one module: its time, its deadline, and no trouble for others."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import NoReturn
from zoneinfo import ZoneInfo

import pytest
import trio
from attrs import frozen

from supervisor.config.current import CurrentConfig
from supervisor.config.service import Module, Service
from supervisor.errors import CheckFailed
from supervisor.ledger.store import Store
from supervisor.modules.context import Context
from supervisor.modules.context_factory import ContextFactory
from supervisor.modules.execution import execute
from supervisor.modules.loader import Check
from supervisor.modules.overdue import OverdueRuns
from supervisor.modules.runner import Runner, first_run
from supervisor.observations import Condition, Duration, Measurement, Observation, Report, Run
from supervisor.schedule.schedule import Grid, Schedule, Times
from supervisor.stats.module_stats import ModuleStats
from tests.support.virtual_clock import VirtualClock, keep_time

START = 86400.0 * 11574
FULL = Condition("Disk usage", "W", "/", "it is full")

Behaviour = Callable[[Context, object], Awaitable[object]]


@frozen
class NoParams:
    pass


def check_of(behaviour: Behaviour) -> Check:
    return Check("fake", NoParams, behaviour, "")  # type: ignore[arg-type]  # rubbish is the point


def a_service(*modules: Module) -> Service:
    from pathlib import Path

    return Service(Path("X.toml"), "X", ZoneInfo("UTC"), labels={"host": "h"}, modules=modules)


def a_module(name: str = "fake", **settings: object) -> Module:
    return Module(check="fake", name=name, **settings)  # type: ignore[arg-type]  # by keyword


async def run_once(behaviour: Behaviour, **settings: object) -> Run:
    module = a_module("fake", **settings)
    service = a_service(module)
    context_factory = ContextFactory(VirtualClock(START), Store(CurrentConfig(service)))
    return await execute(module, check_of(behaviour), context_factory.context(module), START)


async def fine(_context: Context, _params: object) -> Iterable[Observation]:
    return [FULL]


async def hangs(_context: Context, _params: object) -> NoReturn:
    await trio.sleep_forever()
    raise AssertionError


async def raises(_context: Context, _params: object) -> NoReturn:
    raise ValueError("no such thing")


async def fails(_context: Context, _params: object) -> NoReturn:
    raise CheckFailed("cannot read the table: it is gone")


async def exits(_context: Context, _params: object) -> NoReturn:
    raise SystemExit(3)


async def raises_a_group(_context: Context, _params: object) -> NoReturn:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(raises, _context, _params)
        nursery.start_soon(trio.sleep_forever)
    raise AssertionError


async def raises_two(_context: Context, _params: object) -> NoReturn:
    raise ExceptionGroup("both", [ValueError("one"), KeyError("two")])


async def returns_nothing(_context: Context, _params: object) -> object:
    return None


async def returns_text(_context: Context, _params: object) -> object:
    return "all is well"


async def returns_numbers(_context: Context, _params: object) -> object:
    return [1, 2, 3]


async def returns_half_rubbish(_context: Context, _params: object) -> object:
    return [FULL, Condition("", "W", "/", "nameless")]


async def returns_without_end(_context: Context, _params: object) -> object:
    def endless() -> Iterator[Observation]:
        while True:
            yield FULL

    return endless()


async def test_observations_come_back_with_times_and_duration(autojump_clock: object) -> None:
    async def slow(_context: Context, _params: object) -> list[Observation]:
        await trio.sleep(2)
        return [FULL, Report("Daily", "hello"), Measurement("use", 93.0, "%")]

    run = await run_once(slow)

    assert (run.result, run.started, run.seconds, len(run.observations)) == (
        "conditions",
        START,
        2.0,
        3,
    )


async def test_a_hung_check_is_ended_at_its_timeout(autojump_clock: object) -> None:
    run = await run_once(hangs, timeout=Duration(30))

    assert (run.result, run.seconds, run.error) == ("timeout", 30.0, "timed out after 30 s")


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (raises, "ValueError: no such thing"),
        (raises_a_group, "ValueError: no such thing"),
        (raises_two, "2 errors: ValueError: one; KeyError: 'two'"),
        (exits, "SystemExit: 3"),
        (fails, "cannot read the table: it is gone"),
        (returns_nothing, "the check returned NoneType, which is not a list"),
        (returns_text, "the check returned str, which is not a list"),
        (
            returns_numbers,
            "the check returned int, which is not a Condition, Report or Measurement",
        ),
        (
            returns_half_rubbish,
            "the check returned a Condition without alertname or event_type",
        ),
        (returns_without_end, "the check returned more than 100000 observations"),
    ],
)
async def test_what_goes_wrong_in_a_check_becomes_a_failed_run(
    behaviour: Behaviour, error: str, autojump_clock: object
) -> None:
    run = await run_once(behaviour)

    assert (run.result, run.error, run.observations) == ("failed", error, ())


async def test_only_a_surprise_comes_with_a_traceback(autojump_clock: object) -> None:
    surprise = await run_once(raises)
    foreseen = await run_once(fails)

    assert "in raises" in surprise.traceback
    assert foreseen.traceback == ""


async def test_state_is_kept_only_by_a_run_that_succeeds(autojump_clock: object) -> None:
    async def remembers(context: Context, _params: object) -> list[Observation]:
        context.state["seen"] = 7
        return []

    async def remembers_and_fails(context: Context, _params: object) -> list[Observation]:
        context.state["seen"] = 8
        raise CheckFailed("no")

    async def remembers_rubbish(context: Context, _params: object) -> list[Observation]:
        context.state["seen"] = object()  # type: ignore[assignment]  # rubbish is the point
        return []

    assert (await run_once(remembers)).state == {"seen": 7}
    assert (await run_once(remembers_and_fails)).state == {}
    assert "a state that is not JSON" in (await run_once(remembers_rubbish)).error


async def start(
    nursery: trio.Nursery,
    module: Module,
    behaviour: Behaviour,
    schedule: Schedule,
    stopping: trio.Event,
    runs: list[Run],
    *,
    clock: VirtualClock,
    first: float = float("inf"),
) -> ModuleStats:
    send, receive = trio.open_memory_channel[Run](0)
    stats = ModuleStats(module.name, module.check)
    service = a_service(module)
    overdue = OverdueRuns()
    runner = Runner(
        module=module,
        check=check_of(behaviour),
        schedule=schedule,
        clock=clock,
        stats=stats,
        stopping=stopping,
        make_context=ContextFactory(clock, Store(CurrentConfig(service))).context,
        overdue=overdue,
        send=send,
        after=clock.now(),
    )

    async def collect() -> None:
        async for run in receive:
            stats.finish(run)
            runs.append(run)

    async def live(task_status: trio.TaskStatus[None]) -> None:  # noqa: ASYNC128 - supervise does
        with send:
            async with trio.open_nursery() as watching:
                watching.start_soon(overdue.watch)
                await runner.supervise(first, task_status=task_status)
                watching.cancel_scope.cancel()

    nursery.start_soon(collect)
    await nursery.start(live)
    return stats


async def live_for(
    seconds: float,
    module: Module,
    behaviour: Behaviour,
    schedule: Schedule,
    first: float = float("inf"),
) -> tuple[list[Run], ModuleStats]:
    """Let a module live for so many virtual seconds; return its runs and counters."""
    runs: list[Run] = []
    stopping = trio.Event()
    clock = VirtualClock(START)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_time, clock, stopping)
        stats = await start(
            nursery,
            module,
            behaviour,
            schedule,
            stopping,
            runs,
            clock=clock,
            first=first,
        )
        await trio.sleep(seconds)
        stopping.set()
    return runs, stats


async def test_a_run_goes_on_from_the_last_one_that_succeeded_though_that_is_not_committed(
    autojump_clock: object,
) -> None:
    begun: list[object] = []

    async def counts(context: Context, _params: object) -> list[Observation]:
        begun.append(context.state.get("number"))
        context.state["number"] = len(begun)
        if len(begun) == 2:
            raise CheckFailed("cannot count")
        if len(begun) == 3:
            context.state.clear()
        return []

    # Nothing commits here, as while a disk is slow.
    runs, _ = await live_for(45, a_module(every=Duration(10)), counts, Grid(10, 0))

    assert [{"number": 1}, {}, {}, {"number": 4}] == [run.state for run in runs]
    assert [None, 1, 1, None] == begun


async def test_a_module_runs_on_its_grid_without_drift(autojump_clock: object) -> None:
    async def slow(_context: Context, _params: object) -> list[Observation]:
        await trio.sleep(3.7)
        return []

    runs, stats = await live_for(100, a_module(every=Duration(10)), slow, Grid(10, 4))

    assert [run.started - START for run in runs] == [4.0 + 10 * n for n in range(10)]
    assert stats.skipped.total() == 0


async def test_a_module_never_overlaps_itself_and_counts_what_it_skips(
    autojump_clock: object,
) -> None:
    async def slow(_context: Context, _params: object) -> list[Observation]:
        await trio.sleep(25)
        return []

    runs, stats = await live_for(119, a_module(every=Duration(10)), slow, Grid(10, 0))

    assert [run.started - START for run in runs] == [10.0, 40.0, 70.0, 100.0]
    assert stats.skipped == Counter(running=8)


async def test_the_first_run_comes_soon_after_the_start(autojump_clock: object) -> None:
    runs, _ = await live_for(
        700, a_module(every=Duration(300)), fine, Grid(300, 200), first=START + 4
    )

    assert [run.started - START for run in runs] == [4.0, 200.0, 500.0]


def test_the_first_run_is_spread_over_ten_seconds_or_the_interval() -> None:
    assert first_run(Grid(300, 203.4), None, START) == pytest.approx(START + 3.4)
    assert first_run(Grid(4, 3.4), None, START) == pytest.approx(START + 3.4)


def test_an_at_module_makes_up_for_the_time_it_missed() -> None:
    times = Times((0,), ZoneInfo("UTC"))

    assert first_run(times, START - 60, START) == START - 60
    assert first_run(times, None, START) == float("inf")


async def test_a_clock_set_back_does_not_stop_a_module(autojump_clock: object) -> None:
    runs: list[Run] = []
    stopping = trio.Event()
    clock = VirtualClock(START)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_time, clock, stopping)
        await start(
            nursery, a_module(every=Duration(60)), fine, Grid(60, 0), stopping, runs, clock=clock
        )
        await trio.sleep(300)
        clock.step(-3600)
        await trio.sleep(300)
        stopping.set()

    assert 8 <= len(runs) <= 11


async def test_after_a_suspend_a_module_runs_once_and_counts_the_rest(
    autojump_clock: object,
) -> None:
    runs: list[Run] = []
    stopping = trio.Event()
    clock = VirtualClock(START)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_time, clock, stopping)
        stats = await start(
            nursery, a_module(every=Duration(60)), fine, Grid(60, 0), stopping, runs, clock=clock
        )
        await trio.sleep(70)
        clock.step(3600)
        await trio.sleep(130)
        stopping.set()

    assert 3 <= len(runs) <= 5
    assert stats.skipped["late"] in (58, 59, 60)


@pytest.mark.parametrize(
    "schedule", [Grid(0.1, 0), Times(tuple(range(0, 86400, 5)), ZoneInfo("Europe/Berlin"))]
)
async def test_a_clock_that_jumps_by_years_does_not_stop_a_module(
    autojump_clock: object, schedule: Schedule
) -> None:
    runs: list[Run] = []
    stopping = trio.Event()
    clock = VirtualClock(START)
    clock.step(60 - START)  # a host without a battery for its clock
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_time, clock, stopping)
        module = a_module(every=Duration(5))
        stats = await start(nursery, module, fine, schedule, stopping, runs, clock=clock)
        await trio.sleep(7)
        before = len(runs)
        clock.step(START)
        await trio.sleep(45)
        stopping.set()

    assert before
    assert len(runs) - before >= 2
    assert runs[-1].started > START
    assert stats.skipped.total() >= START // 5 - 86400


async def test_an_at_time_missed_by_more_than_catch_up_is_skipped(autojump_clock: object) -> None:
    second = int(START) % 86400
    times = Times((second + 100, second + 5000), ZoneInfo("UTC"))
    module = a_module(at=("00:00",), catch_up=Duration(600))
    runs: list[Run] = []
    stopping = trio.Event()
    clock = VirtualClock(START)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_time, clock, stopping)
        stats = await start(nursery, module, fine, times, stopping, runs, clock=clock)
        clock.step(4900)  # suspended over the first time
        await trio.sleep(300)
        stopping.set()

    assert [run.scheduled - START for run in runs] == [5000.0]
    assert stats.skipped == Counter(late=1)


async def test_a_run_that_is_stopped_did_not_happen(autojump_clock: object) -> None:
    runs: list[Run] = []
    stopping = trio.Event()
    clock = VirtualClock(START)
    with trio.move_on_after(50):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keep_time, clock, stopping)
            await start(
                nursery,
                a_module(every=Duration(10), timeout=Duration(1000)),
                hangs,
                Grid(10, 0),
                stopping,
                runs,
                clock=clock,
            )

    assert runs == []


async def test_a_check_stuck_in_a_thread_is_reported_and_blocks_only_itself(
    autojump_clock: object,
) -> None:
    # The thread is real: virtual time stands still while trio waits for it alone, so the
    # test moves on by a sibling's timer.
    release = threading.Event()

    async def stuck(_context: Context, _params: object) -> list[Observation]:
        await trio.to_thread.run_sync(release.wait)
        return [FULL]

    runs: list[Run] = []
    good: list[Run] = []
    stopping = trio.Event()
    clock = VirtualClock(START)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_time, clock, stopping)
        module = a_module("stuck", every=Duration(60), timeout=Duration(30))
        await start(nursery, module, stuck, Grid(60, 0), stopping, runs, clock=clock)
        sibling = a_module("good", every=Duration(10))
        await start(nursery, sibling, fine, Grid(10, 0), stopping, good, clock=clock)
        await trio.sleep(201)
        assert [run.error for run in runs] == ["timed out after 30 s and cannot be stopped"]
        release.set()
        stopping.set()

    assert len(good) == 20


async def test_thirty_broken_modules_do_not_disturb_the_thirty_first(
    autojump_clock: object,
) -> None:
    release = threading.Event()

    async def stuck(_context: Context, _params: object) -> list[Observation]:
        await trio.to_thread.run_sync(release.wait)
        return []

    broken = [hangs, stuck, raises, raises_a_group, exits, returns_numbers]
    bad: list[Run] = []
    good: list[Run] = []
    stopping = trio.Event()
    clock = VirtualClock(START)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_time, clock, stopping)
        for number in range(30):
            module = a_module(f"bad{number}", every=Duration(10), timeout=Duration(7))
            behaviour = broken[number % len(broken)]
            await start(
                nursery, module, behaviour, Grid(10, 0.2 * number), stopping, bad, clock=clock
            )
        module = a_module("good", every=Duration(10))
        await start(nursery, module, fine, Grid(10, 5), stopping, good, clock=clock)
        await trio.sleep(600)
        release.set()
        stopping.set()
        nursery.cancel_scope.deadline = trio.current_time() + 60

    assert [run.started - START for run in good] == [5.0 + 10 * n for n in range(60)]
    assert {run.result for run in good} == {"conditions"}
    assert {run.result for run in bad} == {"failed", "timeout"}
    assert {run.module for run in bad} == {f"bad{number}" for number in range(30)}
