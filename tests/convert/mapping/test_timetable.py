"""`plan` of a converted file shows the timetable that the legacy agent computes, in Ruby."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks._processes import eborder
from checks.command import Params
from supervisor.config.service import Module, Service
from supervisor.config.times import at_labels
from supervisor.convert.conversion import Conversion
from supervisor.convert.mapping.timetable import MIDNIGHT, SUB_MINUTE
from supervisor.errors import ConfigError
from supervisor.schedule.plan import plan
from tests.support.conversions import HEAD, SAMPLE, converted, loaded, made, warnings
from tests.support.ruby import SEOUL, Ruby, running

LONG = int(os.environ.get("SUPERVISOR_LONG_TESTS", "0"))
"""Set it to 1 for thousands of examples rather than a few."""

DAY = date(2026, 11, 23)
"""The day that is planned."""

BY_DESIGN = (MIDNIGHT, SUB_MINUTE)
"""Parts of the notes on timetables that are meant to differ from the agent's."""


minutes = st.builds("{}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 5, 7, 30, 55, 59]))
"""Times as a person writes them: 9:05."""

times = st.one_of(minutes, minutes.map(lambda text: text.zfill(5)), st.just("24:00"))
"""Times as the agent reads them: 09:05, 24:00."""

parts = st.one_of(times, st.builds("{}-{}".format, times, times), st.just("00:00-23:55"))
"""Times and ranges."""

execute_times = st.one_of(
    st.lists(parts, min_size=1, max_size=3).map(",".join),
    st.lists(parts, min_size=1, max_size=3).map(", ".join),
    st.integers(-200_000, 200_000).map(str),
    st.sampled_from(["16:30", "'16:30'", "09:00", "1,2", "010", "no", "~", "24:30", "9", "x"]),
)
"""Values of ExecuteTime, right and wrong."""

intervals = st.sampled_from(
    [
        "60",
        "300",
        "3600",
        "1:00",
        "90",
        "7000",
        "30",
        "1.5",
        "1,800",
        "86400",
        "0",
        "-5",
        "~",
        "yes",
    ]
)
"""Values of Interval, right and wrong."""

parameters = st.sampled_from(
    ["{a: 1}", "&p {b: [1, ~]}", "*p", "{ExecuteTimes: x, z: 1}", "[1]", "~", "no", "{}", "'s'"]
)
"""Values of Parameter, right and wrong."""


@st.composite
def modules(draw: st.DrawFn) -> str:
    """Draw the modules of a file; some share their Parameter."""
    text, shared = "", False
    for number in range(draw(st.integers(1, 4))):
        text += f"- ModuleFileName: (#ModuleFilePath)/m{number}.rb\n"
        if draw(st.booleans()):
            text += f"  ExecuteTime: {draw(execute_times)}\n"
        if draw(st.booleans()):
            text += f"  Interval: {draw(intervals)}\n"
        parameter = draw(parameters)
        if draw(st.booleans()) and (shared or "*" not in parameter):
            text += f"  Parameter: {parameter}\n"
            shared |= "&" in parameter
    return text


@pytest.fixture(scope="module")
def ruby() -> Iterator[Ruby]:
    with running("timetable.rb") as process:
        yield process


def planned(service: Service, name: str) -> list[str]:
    """Return the times of a module in the day's plan."""
    runs = plan(attrs.evolve(service, timezone=SEOUL), DAY).runs
    return [f"{datetime.fromtimestamp(r.at, SEOUL):%H:%M:%S}" for r in runs if r.module == name]


def differ(agent: Any, module: Module, service: Service, notes: str) -> str:
    """Return how a module differs from what the agent does, nothing if it does not."""
    ours = planned(service, module.name)
    if agent["times"] is None:
        every = agent["interval"] if agent["interval"] > 0 else 4
        return "" if every == module.every else f"every {module.every}, not {every}"
    theirs = sorted({f"{each}:00" for each in agent["times"]})
    if any(part in notes for part in BY_DESIGN):
        return "" if set(theirs) <= set(ours) else f"{ours}, without all of {theirs}"
    return "" if theirs == ours else f"{ours}, not {theirs}"


def argument(module: Module) -> Any:
    """Return the JSON that a module gets when it runs."""
    assert isinstance(module.params, Params)
    if module.params.json is None:
        return None
    return json.loads(eborder.argument(module.params.json, {}, at_labels(module.at, module.every)))


def compare(agents: Sequence[Any], conversion: Conversion, service: Service) -> None:
    notes = {each.line: "" for each in conversion.journal.modules}
    for note in conversion.journal.warnings:
        notes[max(line for line in notes if line <= note.line)] += note.text
    for agent, module, entry in zip(
        agents, service.modules, conversion.journal.modules, strict=True
    ):
        assert not differ(agent, module, service, notes[entry.line])
        given_by_agent = None if agent["argument"] is None else json.loads(agent["argument"])
        if not any(part in notes[entry.line] for part in BY_DESIGN):
            assert given_by_agent == argument(module)


@given(text=modules())
@settings(
    max_examples=5000 if LONG else 70,
    deadline=None,
    derandomize=not LONG,
    suppress_health_check=list(HealthCheck),
)
def test_plan_and_arguments_are_those_of_the_agent(ruby: Ruby, text: str) -> None:
    answer = ruby.ask(HEAD + text)
    with TemporaryDirectory() as name:
        try:
            conversion = converted(Path(name), text)
            service = loaded(conversion, Path(name))
        except ConfigError:
            conversion = None

    if conversion is None:
        assert "error" in answer, answer
    elif "modules" in answer:
        compare(answer["modules"], conversion, service)


def test_the_sample_has_the_timetable_of_the_agent(ruby: Ruby, tmp_path: Path) -> None:
    agents = ruby.ask(SAMPLE.read_text(encoding="utf-8"))["modules"]
    service = loaded(made(SAMPLE), tmp_path)

    assert 11 == len(agents)
    assert [""] * 11 == [
        differ(agent, module, service, "")
        for agent, module in zip(agents, service.modules, strict=True)
    ]


@pytest.mark.parametrize(
    ("lines", "at", "every", "said"),
    [
        ("ExecuteTime: 16:30", ("16:30",), None, ""),
        ("ExecuteTime: '9:5'", ("09:05",), None, ""),
        ("ExecuteTime: 900", ("00:15",), None, "the agent ran it at 00:15"),
        ("ExecuteTime: 10,12", ("00:16",), None, "the agent ran it at 00:16"),
        ("ExecuteTime: 09:00,16:30", ("09:00", "16:30"), None, ""),
        ("ExecuteTime: 09:00-12:00", ("09:00",), None, "only 09:00 counts"),
        ("ExecuteTime: 08:00-18:00\n  Interval: 3600", ("08:00-18:00",), 3600, ""),
        ("ExecuteTime: 00:00-24:00\n  Interval: 3600", ("00:00-23:59", "00:00"), 3600, ""),
        ("ExecuteTime: 08:00\n  Interval: 60", ("08:00",), None, "Interval is not used"),
        ("ExecuteTime: 22:00-02:00\n  Interval: 3600", ("22:00-02:00",), 3600, "crosses midnight"),
        ("ExecuteTime: 08:00-08:01\n  Interval: 30", ("08:00-08:01",), 30, "once a minute"),
        (
            "ExecuteTime: 08:00-08:04\n  Interval: 90",
            ("08:00", "08:01", "08:03"),
            None,
            "the agent merged",
        ),
        ("ExecuteTime: 09:00,09:01", ("09:00", "09:01"), None, "the agent merged"),
        ("ExecuteTime: [09:00, 16:30]", ("09:00", "16:30"), None, "is a list"),
        ("Interval: 0", (), 4, "every 4 s"),
        ("Interval: '60'", (), 60, "is text"),
        ("Interval: 1:00", (), 3600, ""),
        ("ExecuteTime: no\n  Interval: 60", (), 60, ""),
    ],
)
def test_times_are_written_as_people_would(
    tmp_path: Path, lines: str, at: tuple[str, ...], every: float | None, said: str
) -> None:
    made_of = converted(tmp_path, f"- ModuleFileName: x.rb\n  {lines}\n")
    (module,) = loaded(made_of, tmp_path).modules

    assert (at, every) == (module.at, module.every)
    assert said in warnings(made_of)


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        ("Parameter: {}", "has neither Interval nor ExecuteTime"),
        ("ExecuteTime: 9", None),
        ("ExecuteTime: 09:60", "has an ExecuteTime that the agent cannot read"),
        ("ExecuteTime: '09:00 - 10:00'\n  Interval: 60", "has an ExecuteTime that the agent"),
        ("ExecuteTime: ','", "has an ExecuteTime without a time"),
        ("ExecuteTime: yes", "has an ExecuteTime that is not a time"),
        ("ExecuteTime: 09:00\n  Interval: 0", "has an Interval that is not more than 0"),
        ("Interval: 5m", "has an Interval that is not a number of seconds"),
        ("Interval: .inf", "has an Interval that is not a number of seconds"),
    ],
)
def test_what_the_agent_could_not_start_with_is_refused(
    tmp_path: Path, lines: str, wrong: str | None
) -> None:
    try:
        converted(tmp_path, f"- ModuleFileName: x.rb\n  {lines}\n")
        said = None
    except ConfigError as error:
        (problem,) = error.problems
        said = problem.wrong

    assert (wrong is None) == (said is None)
    assert said is None or wrong is None or said.startswith(wrong)
