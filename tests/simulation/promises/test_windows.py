"""Two ways to work out when windows are open come to the same: the judges' and the supervisor's."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from supervisor.schedule.windows import holding, under_way
from tests.simulation.events import Fed, LifeBegan, ServiceRead
from tests.simulation.promises.windows import Windows
from tests.simulation.scenario import ModuleScript, Planned, Settings
from tests.simulation.service_file import service_of

MODULES = (ModuleScript("m00", every=60.0), ModuleScript("m01", every=60.0))

AT_NIGHT = ("01:30-02:30", "02:00-02:20", "02:50-04:10", "23:30-00:40", "00:10-00:30")

TABLES = (
    *(Planned(f"all {item}", (item,), settle=600.0) for item in AT_NIGHT),
    Planned("one", ("05:00-05:30", "22:00-23:45"), ("m01",), settle=0.0),
)

CHANGES = (
    ("Europe/Vienna", date(2026, 3, 29)),
    ("Europe/Vienna", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/Havana", date(2026, 3, 8)),
    ("America/Havana", date(2026, 11, 1)),
)
"""Days on which clocks are changed."""


def windows(zone: str, tables: tuple[Planned, ...], start: float) -> Windows:
    made = Windows(ZoneInfo(zone))
    made.hear(LifeBegan(1, start, start, "kept", maintenance=tables))
    return made


@pytest.mark.parametrize(("zone", "day"), CHANGES)
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_window_is_open_when_the_supervisor_says_so(zone: str, day: date, table: Planned) -> None:
    noon = datetime.combine(day - timedelta(1), datetime.min.time(), ZoneInfo(zone))
    start = noon.timestamp() + 43200.0
    judged = windows(zone, (table,), start)
    service = service_of(Settings(timezone=zone), MODULES, (), (table,))

    for minute in range(0, 24 * 60, 5):
        now = start + 60.0 * minute
        for module in ("m00", "m01"):
            held = holding(service, module, now), under_way(service, module, now)
            assert (
                judged.hold(module, now, now),
                judged.hold(module, now, now, reports=True),
            ) == tuple(window is not None for window in held)


def test_windows_that_overlap_hold_without_a_break_and_a_gap_leaves_it_open() -> None:
    tables = (
        Planned("a", ("10:00-11:00",), settle=0.0),
        Planned("b", ("10:30-12:00", "12:30-13:00")),
    )
    ten = datetime(2026, 6, 1, 10, tzinfo=ZoneInfo("UTC")).timestamp()
    judged = windows("UTC", tables, ten - 3600.0)

    assert judged.hold("m00", ten, ten + 7200.0) is True
    assert judged.hold("m00", ten, ten + 9000.0) is None
    assert judged.hold("m00", ten - 600.0, ten - 1.0) is False
    assert judged.hold("m00", ten - 600.0, ten) is None


def test_without_windows_nothing_is_held() -> None:
    assert Windows(ZoneInfo("UTC")).hold("m00", 1_800_000_000.0) is False


def test_what_a_reload_changes_is_certain_only_after_it() -> None:
    ten = datetime(2026, 6, 1, 10, tzinfo=ZoneInfo("UTC")).timestamp()
    old, new = (Planned("a", (at,)) for at in ("10:00-11:00", "10:00-12:00"))
    judged = windows("UTC", (old,), ten)

    judged.hear(ServiceRead(1, ten + 60.0, ("m00",), (), (), (new,), ten + 60.0))
    assert judged.hold("m00", ten, ten + 60.0) is None
    judged.hear(Fed(1, ten + 61.0, ("READY=1",)))
    assert judged.hold("m00", ten, ten + 60.0) is None
    assert judged.hold("m00", ten + 61.0, ten + 3600.0) is True


def test_a_start_with_the_same_windows_leaves_them_certain() -> None:
    ten = datetime(2026, 6, 1, 10, tzinfo=ZoneInfo("UTC")).timestamp()
    tables = (Planned("a", ("10:00-11:00",)),)
    judged = windows("UTC", tables, ten)

    judged.hear(LifeBegan(2, ten + 600.0, ten + 600.0, "kept", maintenance=tables))

    assert judged.hold("m00", ten, ten + 700.0) is True
