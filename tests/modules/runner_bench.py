"""Modules for the tests of runs: checks that go right or wrong, and a life in virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NoReturn
from zoneinfo import ZoneInfo

import trio
from attrs import frozen

from supervisor.config.current import CurrentConfig
from supervisor.config.service import Module, Service
from supervisor.ledger.store import Store
from supervisor.modules.context import Context
from supervisor.modules.context_factory import ContextFactory
from supervisor.modules.execution import execute
from supervisor.modules.loader import Check
from supervisor.modules.overdue import OverdueRuns
from supervisor.modules.runner import Runner
from supervisor.observations import Condition, Run
from supervisor.schedule.schedule import Schedule
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


async def hangs(_context: Context, _params: object) -> NoReturn:
    await trio.sleep_forever()
    raise AssertionError


async def raises(_context: Context, _params: object) -> NoReturn:
    raise ValueError("no such thing")


async def exits(_context: Context, _params: object) -> NoReturn:
    raise SystemExit(3)


async def raises_a_group(_context: Context, _params: object) -> NoReturn:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(raises, _context, _params)
        nursery.start_soon(trio.sleep_forever)
    raise AssertionError


async def returns_numbers(_context: Context, _params: object) -> object:
    return [1, 2, 3]


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
