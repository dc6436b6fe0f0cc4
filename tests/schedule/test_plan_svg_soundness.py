"""The picture of a day is sound SVG, stays small, and comes from nowhere else."""

from __future__ import annotations

import re
from xml.etree.ElementTree import fromstring

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from supervisor.__main__ import main
from supervisor.config.service import Module
from supervisor.observations import Duration
from supervisor.schedule.plan import plan
from supervisor.schedule.plan_svg import WIDTH, picture
from tests.schedule.drawn_plan import ORDINARY, SVG, parsed, planned, rows
from tests.support import legacy_timetable

HOSTILE = st.text() | st.text(
    alphabet="<>&\"'\0\x08\x1b\x7f\n]\ud800\ufffe\u202e가e\u0301", max_size=60
)


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
