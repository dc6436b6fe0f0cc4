"""Plans of modules, drawn, and what a picture shows."""

from __future__ import annotations

import re
from datetime import date
from xml.etree.ElementTree import Element, fromstring

from attrs import evolve
from hypothesis import strategies as st

from supervisor.config.service import Module
from supervisor.observations import Duration
from supervisor.schedule.local_day import LocalDay
from supervisor.schedule.plan import Plan, plan
from supervisor.schedule.plan_svg import LEFT, RIGHT, picture
from tests.support import legacy_timetable

ORDINARY = date(2026, 11, 22)
SVG = "{http://www.w3.org/2000/svg}"

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
