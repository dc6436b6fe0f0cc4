"""The timetable of a day in words and as JSON: runs, holidays and windows."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from attrs import evolve, field, frozen
from rich.cells import cell_len

from supervisor.commands.plan import as_json, as_text
from supervisor.config.calendars.calendar import Calendar
from supervisor.config.limits.limit import Limit
from supervisor.config.service import During, Maintenance, Module
from supervisor.observations import Duration
from supervisor.schedule.plan import expected, in_words, plan
from tests.support import legacy_timetable


@frozen
class Vitals:
    max_load_per_cpu: Limit[float] = field(factory=lambda: Limit.of(1.0))


ORDINARY = date(2026, 11, 22)
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)  # Europe/Berlin

KOREA = Calendar(Path("/etc/supervisor/kr.toml"), {date(2026, 12, 25): "Christmas"})


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
