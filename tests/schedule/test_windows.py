"""When maintenance windows are open, compared with a person who has a watch."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from hypothesis import example, given, settings
from hypothesis import strategies as st

from supervisor.config.service import Maintenance, Service
from supervisor.schedule.windows import coming, holding, is_within, of_day, under_way
from tests.support import legacy_timetable
from tests.support.window_watch import HOURS, PLACES, TABLES, Table, watch

ROOT = Path(__file__).parent.parent.parent


def service(zone: str, *maintenance: Maintenance) -> Service:
    return evolve(legacy_timetable.service(zone), maintenance=maintenance)


@given(st.sampled_from(PLACES), TABLES)
@example(PLACES[0], Table(("02:15-02:45",), 3, (), ()))
@example(PLACES[1], Table(("02:30-03:30", "01:30-02:30"), 61, (), ()))
@example(PLACES[4], Table(("23:59-00:01",), 0, (), ()))
@settings(max_examples=25, deadline=None)
def test_windows_are_open_when_a_person_with_a_watch_says_so(
    place: tuple[str, date], table: Table
) -> None:
    zone, day = place
    start = datetime.combine(day - timedelta(1), time(12), ZoneInfo(zone)).timestamp()
    planned = service(zone, table.maintenance())

    found = []
    for minute in range(HOURS * 60):
        now = start + 60 * minute
        found.append(
            (
                under_way(planned, "one", now) is not None,
                holding(planned, "one", now) is not None,
            )
        )

    assert tuple(found) == watch(table, zone, start)


def local(zone: str, text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        ("2026-11-28 12:00", "2026-11-29 03:00", "2026-11-29 03:30"),
        ("2026-11-29 03:32", "2026-11-29 03:00", "2026-11-29 03:30"),
        ("2026-11-29 03:33", "2026-12-06 03:00", "2026-12-06 03:30"),
    ],
)
def test_the_next_window_comes_when_the_last_has_settled(now: str, start: str, end: str) -> None:
    planned = service("Asia/Seoul", Maintenance("reboot", ("Sun 03:00-03:30",)))

    (window,) = coming(planned, local("Asia/Seoul", now))

    assert (window.start, window.end) == (local("Asia/Seoul", start), local("Asia/Seoul", end))


def test_a_day_has_the_windows_that_hold_something_on_it() -> None:
    night = Maintenance("night", ("23:00-01:00",))
    planned = service("UTC", night, Maintenance("noon", ("Mon 12:00-13:00",)))
    start = local("UTC", "2026-11-29 00:00")

    found = of_day(planned, start, start + 86400)

    assert [(window.maintenance.name, (window.start - start) / 3600) for window in found] == [
        ("night", -1),
        ("night", 23),
    ]


def test_a_window_of_some_modules_holds_no_others() -> None:
    planned = service("UTC", Maintenance("db", ("00:00-23:59",), modules=("mysql",)))
    noon = local("UTC", "2026-11-29 12:00")

    assert holding(planned, "mysql", noon)
    assert not holding(planned, "disk", noon)


def test_a_moment_is_within_a_range_that_began_on_the_day_before() -> None:
    zone = ZoneInfo("UTC")
    for clock, expected in (("22:59", False), ("23:00", True), ("04:59", True), ("05:00", False)):
        now = local("UTC", f"2026-11-29 {clock}")
        assert is_within(("23:00-05:00",), (), zone, now) is expected


def test_a_service_without_windows_loads_nothing_of_them() -> None:
    """They cost nothing where they are not used."""
    program = (
        "import sys, pathlib\n"
        "import supervisor.daemon.daemon\n"
        "from supervisor.config.load import load_service\n"
        "from supervisor.modules.loader import load_check\n"
        "from supervisor.schedule.schedule import schedules\n"
        "path = pathlib.Path('configs/Shop.toml')\n"
        "schedules(load_service(path, lambda check: load_check(check).params))\n"
        "parts = ('windows', 'calendars.days', 'calendars.reading', 'calendars.ranges')\n"
        "print([name for name in sys.modules if name.startswith('supervisor.')"
        " and name.endswith(parts)])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert done.stdout == "[]\n"
