"""The picture of a day: what it shows of each module, of the peak and of the hours."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from hypothesis import given, settings

from supervisor.config.calendars.calendar import Calendar
from supervisor.config.service import Maintenance, Module
from supervisor.observations import Duration
from supervisor.schedule.plan import plan
from supervisor.schedule.plan_svg import LEFT, RIGHT
from tests.schedule.drawn_plan import (
    ORDINARY,
    SVG,
    drawn,
    modules,
    parsed,
    place,
    planned,
    rows,
    texts,
)
from tests.support import legacy_timetable
from tests.support.strategies import days_with_changes

SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)  # Europe/Berlin


@given(days_with_changes(), modules)
@settings(max_examples=60)
def test_every_run_lies_inside_one_mark_and_no_mark_is_without_runs(
    drawn_day: tuple[ZoneInfo, date], chosen: tuple[Module, ...]
) -> None:
    zone, day = drawn_day
    made = planned(*chosen, zone=zone.key, day=day)

    for module, row in zip(chosen, rows(parsed(made)), strict=True):
        places = [place(made.day, run.at) for run in made.runs if run.module == module.name]
        marks = drawn(row)
        assert all(sum(left < x < right for left, right in marks) == 1 for x in places)
        assert all(
            any(abs(x - left) < 1.5 for x in places) and any(abs(x - right) < 1.5 for x in places)
            for left, right in marks
        )


def test_three_times_are_three_ticks_and_ten_seconds_are_a_band() -> None:
    made = planned(
        Module("c", "daily", at=("00:00", "09:00", "16:30")),
        Module("c", "busy", every=Duration(10)),
        Module("c", "both", every=Duration(300), at=("00:00-06:00", "12:00", "18:00-23:55")),
    )
    ticks, band, both = (drawn(row) for row in rows(parsed(made)))

    assert [round((left + right) / 2) for left, right in ticks] == [
        round(LEFT + hours / 24 * (RIGHT - LEFT)) for hours in (0, 9, 16.5)
    ]
    assert [(round(left), round(right)) for left, right in band] == [(LEFT - 1, RIGHT + 1)]
    assert len(both) == 3


@pytest.mark.parametrize("every", [599, 600, 601])
def test_the_ticks_of_ten_minutes_are_told_apart(every: int) -> None:
    (row,) = rows(parsed(planned(Module("c", "m", every=Duration(every)))))
    marks = drawn(row)

    assert len(marks) == pytest.approx(86400 / every, abs=1)
    assert all(following[0] - mark[1] > 1 for mark, following in pairwise(marks))


def test_the_peak_is_marked_where_it_is_with_its_time_and_count() -> None:
    made = planned(
        Module("c", "a", at=("09:00", "12:00")),
        Module("c", "b", at=("12:00",)),
        Module("c", "c", at=("12:00", "18:00")),
        Module("c", "off", at=("09:00",), enabled=False),
        Module("c", "d", at=("09:00",)),
    )
    root = parsed(made)
    (line,) = (path for path in root.iter(f"{SVG}path") if path.attrib["class"] == "line")

    assert texts(root, "peak") == ["peak 12:00: 3 runs"]
    assert texts(root, "note") == [
        "5 modules, 6 runs at 3 times; at most 3 in one minute, first at 12:00"
    ]
    assert line.attrib["d"].startswith(f"M{(LEFT + RIGHT) / 2:.1f} ")


@pytest.mark.parametrize("at", ["00:00", "23:59"])
def test_the_words_at_a_peak_stay_within_the_axis(at: str) -> None:
    (words,) = (
        text
        for text in parsed(planned(Module("c", "m", at=(at,)))).iter(f"{SVG}text")
        if text.attrib["class"] == "peak"
    )

    assert LEFT < float(words.attrib["x"]) < RIGHT


@pytest.mark.parametrize(
    ("day", "hours", "length"),
    [
        (ORDINARY, [f"{hour:02}" for hour in range(25)], ""),
        (
            SPRING,
            [f"{hour:02}" for hour in range(25) if hour != 2],
            "23 hours: the clocks go forward from 02:00 to 03:00",
        ),
        (
            AUTUMN,
            ["00", "01", "02", "02", *(f"{hour:02}" for hour in range(3, 25))],
            "25 hours: the clocks go back from 03:00 to 02:00",
        ),
    ],
)
def test_the_axis_has_the_hours_of_the_day(day: date, hours: list[str], length: str) -> None:
    root = parsed(planned(Module("c", "m", at=("12:00",)), zone="Europe/Berlin", day=day))
    changes = [path for path in root.iter(f"{SVG}path") if path.attrib["class"] == "change"]

    assert texts(root, "hour")[::2] == texts(root, "hour")[1::2] == hours
    assert len(changes) == (length != "")
    found = "1 run at 1 time; at most 1 in one minute, first at 12:00"
    assert texts(root, "note") == [f"1 module, {found}" + (length and f". {length}")]


def test_title_description_and_rows_say_what_is_shown() -> None:
    root = parsed(plan(legacy_timetable.service("Asia/Seoul"), ORDINARY))
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    tooltips = [row.findtext(f"{SVG}title") for row in rows(root)]

    assert title is not None
    assert description is not None
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"].split() == [title.attrib["id"], description.attrib["id"]]
    assert title.text == "KOR-PNR-TEST, Sunday 2026-11-22, Asia/Seoul" == texts(root, "title")[0]
    assert description.text == texts(root, "note")[0]
    assert tooltips[0] == (
        "connection: connection, 00:00-23:55 every 5m; 288 runs from 00:00:00 to 23:55:00"
    )
    assert len(tooltips) == len(legacy_timetable.MODULES)


def test_a_disabled_module_has_a_row_without_marks() -> None:
    root = parsed(planned(Module("c", "asleep", every=Duration(60), enabled=False)))
    (row,) = rows(root)

    assert drawn(row) == []
    assert texts(row, "off") == ["asleep", "disabled"]


def test_long_names_are_cut_and_stand_in_full_in_the_tooltip() -> None:
    name = "session_database_of_the_reporting_host"
    (row,) = rows(parsed(planned(Module("c", name, every=Duration(60)))))

    assert row.findall(f"{SVG}text")[0].text == "session_database_of_the_re…"
    assert (row.findtext(f"{SVG}title") or "").startswith(f"{name}: c, every 1m; ")


@pytest.mark.parametrize("day", [date(2011, 12, 29), date(2011, 12, 30), date(2011, 12, 31)])
def test_a_day_that_a_zone_skips_is_drawn_without_runs(day: date) -> None:
    (row,) = rows(
        parsed(planned(Module("c", "m", every=Duration(60)), zone="Pacific/Apia", day=day))
    )

    assert (drawn(row) == []) == (day.day == 30)


def test_what_a_calendar_leaves_out_is_drawn_hollow_and_told() -> None:
    korea = Calendar(Path("kr.toml"), {ORDINARY: "Christmas"})
    made = planned(Module("c", "report", at=("09:00", "18:00"), except_=(korea,)))
    root = parsed(made)
    (row,) = rows(root)

    (left_out,) = row.findall(f"{SVG}path")
    assert left_out.attrib["class"] == "left"
    assert len(drawn(row)) == 2
    assert "2 times left out: Christmas" in (row.findtext(f"{SVG}title") or "")
    assert "holiday: Christmas (kr.toml)" in texts(root, "note")[0]


def test_a_window_is_a_band_across_the_rows_that_it_holds() -> None:
    modules = (Module("c", "a", every=Duration(3600)), Module("c", "b", every=Duration(3600)))
    window = Maintenance("reboot", ("06:00-12:00",), modules=("b",), settle=Duration(3600))
    service = evolve(legacy_timetable.service("UTC"), modules=modules, maintenance=(window,))
    root = parsed(plan(service, ORDINARY))

    (band,) = (group for group in root.iter(f"{SVG}g") if group.attrib.get("class") == "window")
    settled, held = (path.attrib["d"] for path in band.findall(f"{SVG}path"))
    quarter = (RIGHT - LEFT) / 4
    assert held.startswith(f"M{LEFT + quarter:.1f} 134h{quarter:.1f}")
    assert settled.startswith(f"M{LEFT + quarter:.1f} 134h{quarter * 7 / 6:.1f}")
    assert "reboot 06:00-12:00, then 1h to settle; holds b" in (band.findtext(f"{SVG}title") or "")
