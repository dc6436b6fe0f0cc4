"""Which calendars end soon."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve

from checks.jobs import Job, Params
from supervisor.config.calendars.calendar import Calendar
from supervisor.config.service import Module
from supervisor.doctor.calendars import examine_calendars
from tests.support import legacy_timetable

SERVICE = legacy_timetable.service("Asia/Seoul")


def ending(days: int, name: str = "kr.toml") -> Calendar:
    today = datetime.now(SERVICE.timezone).date()
    end = today + timedelta(days)
    return Calendar(Path(name), {end: "Christmas", date(2020, 1, 1): "New Year"})


@pytest.mark.parametrize(
    ("days", "verb"), [(-1, "ended"), (0, "ends"), (59, "ends"), (60, ""), (400, "")]
)
def test_a_calendar_that_ends_within_60_days_is_told(days: int, verb: str) -> None:
    calendar = ending(days)
    module = Module("c", "report", at=("09:00",), except_=(calendar,))

    found = examine_calendars(evolve(SERVICE, modules=(module,)))

    assert found is not None
    assert [str(finding) for finding in found.findings] == [
        f"kr.toml {verb} on {calendar.end} (Christmas); add the dates of the next year"
    ] * bool(verb)
    assert found.good == (f"kr.toml goes on until {calendar.end}",) * (not verb)


def test_calendars_of_jobs_are_looked_at_and_those_of_disabled_modules_are_not() -> None:
    jobs = Params((Job("archive", at=("02:00",), except_=(ending(1),)),))
    modules = (
        Module("jobs", "jobs", every=legacy_timetable.service("UTC").modules[0].every, params=jobs),
        Module("c", "off", at=("09:00",), except_=(ending(1, "off.toml"),), enabled=False),
    )

    found = examine_calendars(evolve(SERVICE, modules=modules))

    assert found is not None
    assert [finding.what[:7] for finding in found.findings] == ["kr.toml"]


def test_without_calendars_there_is_nothing_to_say() -> None:
    assert examine_calendars(SERVICE) is None
