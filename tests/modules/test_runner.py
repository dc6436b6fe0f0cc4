"""The life of one module: its grid, its clock, its end, and no trouble for others."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from zoneinfo import ZoneInfo

import pytest
import trio

from supervisor.errors import CheckFailed
from supervisor.modules.context import Context
from supervisor.modules.runner import first_run
from supervisor.observations import Duration, Observation, Run
from supervisor.schedule.schedule import Grid, Schedule, Times
from tests.modules.runner_bench import (
    FULL,
    START,
    a_module,
    exits,
    hangs,
    live_for,
    raises,
    raises_a_group,
    returns_numbers,
    start,
)
from tests.support.virtual_clock import VirtualClock, keep_time


async def fine(_context: Context, _params: object) -> Iterable[Observation]:
    return [FULL]


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
