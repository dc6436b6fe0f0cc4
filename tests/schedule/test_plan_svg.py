"""The picture of a day: what it shows, that it is sound SVG, and that it stays small."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.__main__ import main
from supervisor.config.calendars.calendar import Calendar
from supervisor.config.service import Maintenance, Module
from supervisor.observations import Duration
from supervisor.schedule.local_day import LocalDay
from supervisor.schedule.plan import Plan, plan
from supervisor.schedule.plan_svg import LEFT, RIGHT, WIDTH, picture
from tests.support import legacy_timetable
from tests.support.strategies import days_with_changes

ORDINARY = date(2026, 11, 22)
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)  # Europe/Berlin
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = st.text() | st.text(
    alphabet="<>&\"'\0\x08\x1b\x7f\n]\ud800\ufffe\u202e가e\u0301", max_size=60
)

modules = st.lists(
    st.builds(
        Module,
        check=st.just("command"),
        name=st.just(""),
        every=st.sampled_from([60, 300, 301, 600, 3600, 86400, 200000]).map(Duration),
        at=st.sampled_from([(), ("09:00",), ("00:00", "02:30", "23:59"), ("22:00-02:00",)]),
        enabled=st.integers(0, 4).map(bool),
    ),
    max_size=6,
).map(lambda drawn: tuple(evolve(each, name=f"m{index}") for index, each in enumerate(drawn)))


def planned(*modules: Module, zone: str = "Asia/Seoul", day: date = ORDINARY) -> Plan:
    return plan(evolve(legacy_timetable.service(zone), modules=modules), day)


def parsed(made: Plan) -> Element:
    return fromstring(picture(made))  # noqa: S314 - of our own making


def texts(root: Element, style: str) -> list[str]:
    """Return the words of each text in this style, in the order in which they are drawn."""
    return [
        found.text or ""
        for found in root.iter(f"{SVG}text")
        if style in found.attrib["class"].split()
    ]


def rows(root: Element) -> list[Element]:
    return [row for row in root.findall(f"{SVG}g") if "class" not in row.attrib]


def drawn(row: Element) -> list[tuple[float, float]]:
    """Return from where to where each mark of a row reaches."""
    path = row.find(f"{SVG}path")
    outlines = [] if path is None else re.findall(r"M([\d.]+) \d+h([\d.]+)v", path.attrib["d"])
    return [(float(left), float(left) + float(width)) for left, width in outlines]


def place(day: LocalDay, moment: float) -> float:
    return LEFT + (moment - day.start) / day.length * (RIGHT - LEFT)


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


@given(st.text(), HOSTILE)
def test_hostile_names_leave_the_picture_sound(service: str, name: str) -> None:
    made = plan(
        evolve(
            legacy_timetable.service("UTC"),
            service=service,
            modules=(Module(name, name, every=Duration(3600)), Module("c", "next", at=("09:00",))),
        ),
        ORDINARY,
    )
    text = picture(made)
    root = fromstring(text)  # noqa: S314 - of our own making

    assert text.isascii()
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        "svg",
        "title",
        "desc",
        "style",
        "rect",
        "text",
        "path",
        "g",
    }
    assert [row.findall(f"{SVG}text")[0].text for row in rows(root)][1:] == ["next"]


def test_nothing_is_fetched_and_nothing_is_executed() -> None:
    text = picture(plan(legacy_timetable.service("Asia/Seoul"), ORDINARY))

    assert "prefers-color-scheme:dark" in text
    assert text.count("http") == 1  # the name space
    assert not re.search(r"<script|<image|<use|@import|url\(|href|\bon\w+=", text)


@pytest.mark.parametrize("every", [1, 400, 405, 430, 600])
def test_a_row_stays_small_however_often_a_module_runs(every: int) -> None:
    one = picture(planned(Module("c", "m", every=Duration(every))))
    none = picture(planned())

    assert len(one) - len(none) < 6000


def test_the_picture_grows_by_a_row_for_each_module() -> None:
    heights = [
        int(
            parsed(planned(*(Module("c", f"m{n}", at=("09:00",)) for n in range(count)))).attrib[
                "height"
            ]
        )
        for count in (15, 16, 60)
    ]

    assert heights == [heights[0], heights[0] + 22, heights[0] + 45 * 22]
    assert WIDTH == 1200


@pytest.mark.parametrize("day", [date(2011, 12, 29), date(2011, 12, 30), date(2011, 12, 31)])
def test_a_day_that_a_zone_skips_is_drawn_without_runs(day: date) -> None:
    (row,) = rows(
        parsed(planned(Module("c", "m", every=Duration(60)), zone="Pacific/Apia", day=day))
    )

    assert (drawn(row) == []) == (day.day == 30)


def test_the_same_plan_gives_the_same_picture() -> None:
    first, second = (picture(plan(legacy_timetable.service("UTC"), ORDINARY)) for _ in range(2))

    assert first == second


def test_the_command_prints_the_picture_of_the_day_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["--service", "Demo", "--config-dir", "configs", "--date", "2026-02-28"]
    code = main(["plan", *arguments, "--format", "svg"])

    assert code == 0
    assert "DEMO, Saturday 2026-02-28" in capsys.readouterr().out.splitlines()[1]


@pytest.mark.parametrize("day", ["2026-02-30", "tomorrow", ""])
def test_a_date_that_is_none_is_refused_with_an_example(
    day: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["plan", "--service", "Demo", "--date", day])

    assert ended.value.code == 2
    assert f"--date: '{day}' is not a date; write for example 20" in capsys.readouterr().err


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
