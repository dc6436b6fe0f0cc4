"""The timetable of a day, as computed and as the runners really keep it."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from supervisor.commands.plan import as_json, as_text
from supervisor.config.current import CurrentConfig
from supervisor.config.service import Module, Service
from supervisor.errors import UsageError
from supervisor.ledger.store import Store
from supervisor.modules.context import Context
from supervisor.modules.context_factory import ContextFactory
from supervisor.modules.loader import Check
from supervisor.modules.overdue import OverdueRuns
from supervisor.modules.runner import Runner
from supervisor.observations import Duration, Observation, Run
from supervisor.schedule.plan import plan
from supervisor.schedule.schedule import build
from supervisor.stats.module_stats import ModuleStats
from tests.support import legacy_timetable
from tests.support.virtual_clock import VirtualClock, keep_time

ORDINARY = date(2026, 11, 22)
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)  # Europe/Berlin
ALL_DAY = legacy_timetable.every_five_minutes("00:00", "23:55")
DAYS = [
    ("Asia/Seoul", ORDINARY, 24, ALL_DAY),
    # 02:00 to 02:55 do not exist: they are one run with 03:00, when the gap ends.
    (
        "Europe/Berlin",
        SPRING,
        23,
        [at for at in ALL_DAY if not "02:00" <= at <= "02:55"],
    ),
    # 02:00 to 02:55 come twice and are run at the first.
    ("Europe/Berlin", AUTUMN, 25, ALL_DAY),
]


def midnight(day: date, zone: str) -> float:
    return datetime.combine(day, time(), ZoneInfo(zone)).timestamp()


def expect_day(
    found: dict[str, list[float]], zone: str, day: date, hours: int, connection: list[str]
) -> None:
    """Compare the runs of each module with what was written by hand."""
    start = midnight(day, zone)
    wall = {
        name: [datetime.fromtimestamp(at, ZoneInfo(zone)).strftime("%H:%M:%S") for at in times]
        for name, times in found.items()
    }
    for name, times in {"connection": connection, **legacy_timetable.AT_TIMES}.items():
        assert wall[name] == [f"{at}:00" for at in times]
    for name, every in legacy_timetable.INTERVALS.items():
        first = found[name][0]
        assert start <= first < start + every
        assert found[name] == [
            pytest.approx(first + every * n) for n in range(hours * 3600 // every)
        ]


def keep_day(service: Service, start: float, seconds: float) -> dict[str, list[float]]:
    """Let the real runners live for a day of virtual time; return when each module ran."""
    found: dict[str, list[float]] = defaultdict(list)

    async def look(_context: Context, _params: object) -> list[Observation]:
        return []

    async def main() -> None:
        clock = VirtualClock(start)
        stopping = trio.Event()
        send, receive = trio.open_memory_channel[Run](0)
        schedules = build(
            service.modules,
            service=service.service,
            host=service.labels["host"],
            timezone=service.timezone,
        )
        context = ContextFactory(clock, Store(CurrentConfig(service))).context

        async def collect() -> None:
            async for run in receive:
                found[run.module].append(run.scheduled)
                assert run.started == pytest.approx(run.scheduled, abs=0.001)

        async def live(module: Module) -> None:
            runner = Runner(
                module=module,
                check=Check(module.check, object, look, ""),
                schedule=schedules[module.name],
                clock=clock,
                stats=ModuleStats(module.name, module.check),
                stopping=stopping,
                make_context=context,
                overdue=OverdueRuns(),
                send=send,
                after=clock.now() - 0.001,  # a run due at this very midnight belongs to the day
            )
            await runner.supervise(float("inf"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(collect)
            nursery.start_soon(keep_time, clock, stopping)
            async with trio.open_nursery() as modules:
                for module in service.modules:
                    modules.start_soon(live, module)
                await trio.sleep(seconds - 0.1)
                stopping.set()
            send.close()

    trio.run(main, clock=MockClock(autojump_threshold=0))
    return found


@pytest.mark.parametrize(("zone", "day", "hours", "connection"), DAYS)
def test_the_plan_of_a_day_is_what_was_written_by_hand(
    zone: str, day: date, hours: int, connection: list[str]
) -> None:
    made = plan(legacy_timetable.service(zone), day)
    found: dict[str, list[float]] = defaultdict(list)
    for run in made.runs:
        found[run.module].append(run.at)

    expect_day(found, zone, day, hours, connection)


@pytest.mark.parametrize(("zone", "day", "hours", "connection"), DAYS)
def test_a_day_in_virtual_time_runs_as_was_written_by_hand(
    zone: str, day: date, hours: int, connection: list[str]
) -> None:
    found = keep_day(legacy_timetable.service(zone), midnight(day, zone), hours * 3600)

    expect_day(found, zone, day, hours, connection)


def test_of_equally_busy_minutes_the_first_is_the_peak() -> None:
    modules = (Module("c", "late", at=("18:00", "12:00")), Module("c", "early", at=("09:00",)))
    service = evolve(legacy_timetable.service("UTC"), modules=modules)

    assert as_json(plan(service, ORDINARY))["peak"] == {
        "at": "2026-11-22T09:00:00+00:00",
        "runs": 1,
    }


def test_a_day_without_runs_has_no_peak() -> None:
    service = evolve(legacy_timetable.service("UTC"), modules=())

    assert as_json(plan(service, ORDINARY))["peak"] == {"at": None, "runs": 0}
    assert as_text(plan(service, ORDINARY)).endswith("nothing runs")


def test_days_in_a_zone_without_midnight_begin_when_the_gap_ends() -> None:
    modules = (Module("m", "m", every=Duration(3600)),)
    service = evolve(legacy_timetable.service("Africa/Cairo"), modules=modules)

    assert len(plan(service, date(2026, 4, 24)).runs) == 23
    assert len(plan(service, date(2026, 4, 24) + timedelta(1)).runs) == 24


def test_a_day_that_a_zone_skips_has_no_runs() -> None:
    modules = (Module("m", "m", every=Duration(60)), Module("n", "n", at=("09:00",)))
    service = evolve(legacy_timetable.service("Pacific/Apia"), modules=modules)

    assert plan(service, date(2011, 12, 30)).runs == ()
    assert [run.module for run in plan(service, date(2011, 12, 31)).runs].count("n") == 2


@pytest.mark.parametrize("day", [date.min, date.max])
def test_a_day_at_the_edge_of_the_calendar_is_refused(day: date) -> None:
    with pytest.raises(UsageError, match=r"^cannot plan \d{4}-\d\d-\d\d: "):
        plan(legacy_timetable.service("Asia/Seoul"), day)
