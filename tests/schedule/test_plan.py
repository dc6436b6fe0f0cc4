"""The timetable of a day, as computed and as the runners really keep it."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import trio
from attrs import evolve, field, frozen
from rich.cells import cell_len
from trio.testing import MockClock

from supervisor.commands.plan import as_json, as_text
from supervisor.config.calendars.calendar import Calendar
from supervisor.config.current import CurrentConfig
from supervisor.config.limits.limit import Limit
from supervisor.config.service import During, Maintenance, Module, Service
from supervisor.errors import UsageError
from supervisor.ledger.store import Store
from supervisor.modules.context import Context
from supervisor.modules.context_factory import ContextFactory
from supervisor.modules.loader import Check
from supervisor.modules.overdue import OverdueRuns
from supervisor.modules.runner import Runner
from supervisor.observations import Duration, Observation, Run
from supervisor.schedule.plan import expected, in_words, plan
from supervisor.schedule.schedule import build
from supervisor.stats.module_stats import ModuleStats
from tests.support import legacy_timetable
from tests.support.virtual_clock import VirtualClock, keep_time


@frozen
class Vitals:
    max_load_per_cpu: Limit[float] = field(factory=lambda: Limit.of(1.0))


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

KOREA = Calendar(Path("/etc/supervisor/kr.toml"), {date(2026, 12, 25): "Christmas"})


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


def test_the_json_has_offsets_and_the_peak() -> None:
    modules = (
        Module("daily", "daily", at=("02:30", "09:00")),
        Module("report", "report", at=("09:00",)),
        Module("off", "off", at=("09:00",), enabled=False),
    )
    service = evolve(legacy_timetable.service("Europe/Berlin"), modules=modules)

    assert as_json(plan(service, SPRING)) == {
        "service": "KOR-PNR-TEST",
        "date": "2026-03-29",
        "timezone": "Europe/Berlin",
        "runs": [
            {"at": "2026-03-29T03:00:00+02:00", "module": "daily"},
            {"at": "2026-03-29T09:00:00+02:00", "module": "daily"},
            {"at": "2026-03-29T09:00:00+02:00", "module": "report"},
        ],
        "peak": {"at": "2026-03-29T09:00:00+02:00", "runs": 2},
        "times": 2,
    }


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


def test_the_text_has_a_line_for_each_module() -> None:
    text = as_text(plan(legacy_timetable.service("Asia/Seoul"), ORDINARY))

    assert text.splitlines()[0] == "KOR-PNR-TEST, Sunday 2026-11-22, Asia/Seoul"
    assert (
        "connection             connection             00:00-23:55 every 5m   288  00:00:00" in text
    )
    assert len(text.splitlines()) == len(legacy_timetable.MODULES) + 5


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (Module("c", "c", every=Duration(90)), "every 1m30s"),
        (Module("c", "c", every=Duration(7200)), "every 2h"),
        (Module("c", "c", at=("09:00", "16:30")), "09:00, 16:30"),
        (Module("c", "c", at=("09:00-17:00",), every=Duration(1800)), "09:00-17:00 every 30m"),
        (Module("c", "c", every=Duration(60), enabled=False), "disabled"),
        (Module("c", "c", at=("Mon-Fri 09:00",)), "Mon-Fri 09:00"),
        (
            Module("c", "c", at=("Mon 09:00-10:00",), every=Duration(600), except_=(KOREA,)),
            "Mon 09:00-10:00 every 10m except kr.toml",
        ),
    ],
)
def test_a_schedule_is_put_in_words(module: Module, words: str) -> None:
    assert in_words(module) == words


def test_days_in_a_zone_without_midnight_begin_when_the_gap_ends() -> None:
    modules = (Module("m", "m", every=Duration(3600)),)
    service = evolve(legacy_timetable.service("Africa/Cairo"), modules=modules)

    assert len(plan(service, date(2026, 4, 24)).runs) == 23
    assert len(plan(service, date(2026, 4, 24) + timedelta(1)).runs) == 24


def test_modules_with_the_same_check_have_lines_of_their_own() -> None:
    modules = (Module("c", "a", at=("09:00",)), Module("c", "b", at=("10:00", "11:00")))
    text = as_text(plan(evolve(legacy_timetable.service("UTC"), modules=modules), ORDINARY))

    assert [line.split() for line in text.splitlines()[3:5]] == [
        ["a", "c", "09:00", "1", "09:00:00", "09:00:00"],
        ["b", "c", "10:00,", "11:00", "2", "10:00:00", "11:00:00"],
    ]


def test_the_columns_stand_below_each_other_whatever_the_names() -> None:
    modules = (
        Module("c", "일일 보고서", at=("09:00",)),
        Module("c", "a" * 100, at=tuple(f"{hour:02}:00" for hour in range(24))),
        Module("c", "two\nlines", at=("09:00",)),
    )
    lines = as_text(
        plan(evolve(legacy_timetable.service("UTC"), modules=modules), ORDINARY)
    ).splitlines()
    table = lines[2:6]

    assert {cell_len(line[: line.index(" c ")]) for line in table[1:]} == {40 + 1}
    assert {cell_len(line) for line in table[1:]} == {40 + 2 + 5 + 2 + 40 + 2 + 4 + 2 + 8 + 2 + 8}
    assert "two\\nlines" in table[3]


def test_the_text_says_that_a_day_has_23_or_25_hours() -> None:
    heads = [
        as_text(plan(legacy_timetable.service("Europe/Berlin"), day)).splitlines()[1]
        for day in (ORDINARY, SPRING, AUTUMN)
    ]

    assert heads == [
        "",
        "23 hours: the clocks go forward from 02:00 to 03:00",
        "25 hours: the clocks go back from 03:00 to 02:00",
    ]


def test_a_day_that_a_zone_skips_has_no_runs() -> None:
    modules = (Module("m", "m", every=Duration(60)), Module("n", "n", at=("09:00",)))
    service = evolve(legacy_timetable.service("Pacific/Apia"), modules=modules)

    assert plan(service, date(2011, 12, 30)).runs == ()
    assert [run.module for run in plan(service, date(2011, 12, 31)).runs].count("n") == 2


@pytest.mark.parametrize("day", [date.min, date.max])
def test_a_day_at_the_edge_of_the_calendar_is_refused(day: date) -> None:
    with pytest.raises(UsageError, match=r"^cannot plan \d{4}-\d\d-\d\d: "):
        plan(legacy_timetable.service("Asia/Seoul"), day)


# -- calendars ------------------------------------------------------------------------------


def test_a_plan_tells_the_holiday_and_what_it_leaves_out() -> None:
    modules = (
        Module("c", "report", at=("09:00", "18:00"), except_=(KOREA,)),
        Module("c", "backup", at=("02:00",)),
        Module("c", "off", at=("02:00",), except_=(KOREA,), enabled=False),
    )
    service = evolve(legacy_timetable.service("Asia/Seoul"), modules=modules)
    made = plan(service, date(2026, 12, 25))
    due = expected(made, [("report", "archive", ("03:00",), (KOREA,))])

    text = as_text(made, due)
    assert text.splitlines()[1] == "holiday: Christmas (kr.toml)"
    assert "left out: report at 09:00, 18:00; archive at 03:00" in text.splitlines()
    assert as_json(made, due)["left_out"] == [
        {
            "at": f"2026-12-25T{at}:00+09:00",
            "module": "report",
            **({"name": "archive"} if at == "03:00" else {}),
            "holiday": "Christmas",
            "calendar": "kr.toml",
        }
        for at in ("09:00", "18:00", "03:00")
    ]


def test_a_plan_of_another_day_says_nothing_of_calendars() -> None:
    modules = (Module("c", "report", at=("09:00",), except_=(KOREA,)),)
    made = plan(evolve(legacy_timetable.service("UTC"), modules=modules), ORDINARY)

    assert "holiday" not in as_text(made)
    assert "left_out" not in as_json(made)


def test_what_began_before_a_holiday_goes_on_and_what_began_on_it_does_not() -> None:
    module = Module("c", "c", at=("22:00-02:00",), every=Duration(7200), except_=(KOREA,))
    service = evolve(legacy_timetable.service("UTC"), modules=(module,))

    on, after = (plan(service, date(2026, 12, day)) for day in (25, 26))
    assert [on.day.clock(run.at)[:5] for run in on.runs] == ["00:00", "02:00"]
    assert [after.day.clock(at)[:5] for at in after.left_out["c"].at] == ["00:00", "02:00"]
    assert after.left_out["c"].holiday == "Christmas"


# -- planned work, and other parameters -----------------------------------------------------


def test_a_plan_tells_the_maintenance_windows_of_the_day() -> None:
    window = Maintenance("reboot", ("Sun 23:00-01:00",), modules=("a",))
    modules = (Module("c", "a", every=Duration(3600)), Module("c", "b", every=Duration(3600)))
    service = evolve(legacy_timetable.service("UTC"), modules=modules, maintenance=(window,))
    sunday, monday, tuesday = (plan(service, date(2026, 11, day)) for day in (29, 30, 25))

    words = "maintenance: reboot 23:00-01:00, then 3m to settle; holds a"
    assert as_text(sunday).splitlines()[1] == as_text(monday).splitlines()[1] == words
    assert as_json(sunday)["maintenance"] == [
        {
            "name": "reboot",
            "start": "2026-11-29T23:00:00+00:00",
            "end": "2026-11-30T01:00:00+00:00",
            "settled": "2026-11-30T01:03:00+00:00",
            "modules": ["a"],
        }
    ]
    assert "maintenance" not in as_json(tuesday)


def test_a_plan_tells_when_a_module_has_other_parameters() -> None:
    night = During(("23:00-05:00",), params=Vitals(max_load_per_cpu=Limit.of(9.0)))
    module = Module("c", "a", every=Duration(3600), params=Vitals(), during=(night,))
    made = plan(evolve(legacy_timetable.service("UTC"), modules=(module,)), ORDINARY)

    assert as_text(made).endswith("other parameters:\n  a 23:00-05:00: max_load_per_cpu = 9.0")
    assert [(each["start"], each["changed"]) for each in as_json(made)["during"]] == [
        ("2026-11-21T23:00:00+00:00", ["max_load_per_cpu = 9.0"]),
        ("2026-11-22T23:00:00+00:00", ["max_load_per_cpu = 9.0"]),
    ]
