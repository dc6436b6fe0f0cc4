"""What the running supervisor answers to `run-now`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from supervisor.config.service import Module
from supervisor.control.handlers import Handlers
from supervisor.control.snapshot import Snapshot
from supervisor.delivery.silences.waiting import WaitingSilences
from supervisor.ledger.outbox import Outbox
from supervisor.modules.context import Context
from supervisor.modules.context_factory import ContextFactory
from supervisor.modules.loader import Check
from supervisor.modules.overdue import OverdueRuns
from supervisor.modules.tasks import ModuleTasks
from supervisor.observations import Duration, Observation, Run
from tests.support.ledger_bench import service_of
from tests.support.virtual_clock import VirtualClock

HOURLY = Module("fake", "hourly", every=Duration(3600), timeout=Duration(30))
OFF = evolve(HOURLY, name="off", enabled=False)


@asynccontextmanager
async def handlers(*, recorded: bool) -> AsyncIterator[Handlers]:
    """Run the modules. Runs are counted only if they are `recorded`."""
    outbox, clock = Outbox.of(service_of(HOURLY, OFF)), VirtualClock(1_700_000_000.0)
    send, receive = trio.open_memory_channel[Run](100)
    changed = trio.lowlevel.ParkingLot()

    async def check(_context: Context, _params: object) -> Iterable[Observation]:
        await trio.sleep(2)
        return ()

    async def record() -> None:
        async for run in receive:
            modules.stats[run.module].finish(run)
            changed.unpark_all()

    async with trio.open_nursery() as nursery:
        modules = ModuleTasks(
            store=outbox.store,
            clock=clock,
            stats={},
            stopping=trio.Event(),
            make_context=ContextFactory(clock, outbox.store).context,
            overdue=OverdueRuns(),
            find_check=lambda _name: Check("fake", object, check),
            send=send,
            nursery=nursery,
        )
        await modules.start_missing()
        if recorded:
            nursery.start_soon(record)
        snapshot = Snapshot(outbox, clock, modules.stats, lambda: (), lambda: 0)
        root = trio.lowlevel.current_task()
        yield Handlers(
            snapshot,
            modules,
            changed,
            root,
            reloads={},
            connect=list,
            waiting=WaitingSilences(Path("/nonexistent/silences.json")),
        )
        nursery.cancel_scope.cancel()


async def run_now(asked: Handlers, *modules: str) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = []

    async def say(line: dict[str, Any]) -> None:
        said.append(line)

    await asked.by_name()["run-now"]({"modules": [*modules]}, say)
    return said


async def test_run_now_says_how_the_run_ended(autojump_clock: MockClock) -> None:
    async with handlers(recorded=True) as asked:
        await trio.sleep(60)

        assert await run_now(asked, "hourly", "off") == [
            {"module": "off", "refused": "is disabled"},
            {"module": "hourly", "result": "ok", "seconds": pytest.approx(2)},
        ]


async def test_a_run_that_is_not_recorded_in_time_has_no_seconds(autojump_clock: MockClock) -> None:
    async with handlers(recorded=False) as asked:
        await trio.sleep(60)
        stats = asked.modules.stats["hourly"]
        stats.finish(Run("hourly", scheduled=0.0, started=0.0, seconds=7.0))  # a run before

        assert await run_now(asked, "hourly") == [
            {"module": "hourly", "result": "unknown", "seconds": None}
        ]
        assert trio.current_time() == pytest.approx(60 + 30 + 2 * 5)
