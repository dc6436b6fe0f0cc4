"""The lines that people read: one for each change, and none for a mere update."""

from __future__ import annotations

import logging
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from supervisor.alerts.alert import Alert, State
from supervisor.alerts.payload import Payload
from supervisor.daemon.status_line import start_table
from supervisor.observations import Run
from supervisor.recorder.event_log import log_change, log_run
from supervisor.stats.module_stats import ModuleStats
from supervisor.text import seconds
from tests.support import alerts

FIRING = evolve(
    alerts.FIRING,
    module="m",
    instance="/srv",
    payload=Payload.of({}, {"message": "93 %\nof 90 %"}),
)
OVER = evolve(FIRING, state=State.OVER, ends_at=9.0)
RESOLVED = evolve(FIRING, state=State.RESOLVED, ends_at=9.0)
REPORT = evolve(FIRING, state=State.REPORT, ends_at=9.0, event_type="I", instance="")
CHANGED = evolve(FIRING, version=2, payload=Payload.of({}, {"message": "94 %"}))
TABLE_START = 1_700_000_000.0


@pytest.fixture(autouse=True)
def listening(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "supervisor")


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in caplog.records]


FIRED = ("WARNING", "FIRING   W  Disk usage /srv: 93 % | of 90 %")
ENDED = ("INFO", "RESOLVED W  Disk usage /srv: 93 % | of 90 %")
SAID = ("INFO", "REPORT   I  Disk usage: 93 % | of 90 %")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (None, FIRING, FIRED),
        (RESOLVED, FIRING, FIRED),
        (OVER, FIRING, FIRED),
        (FIRING, RESOLVED, ENDED),
        (FIRING, OVER, ENDED),
        (None, RESOLVED, ENDED),
        (None, REPORT, SAID),
        (FIRING, CHANGED, None),
        (FIRING, FIRING, None),
        (OVER, RESOLVED, None),
        (REPORT, evolve(REPORT, version=2), None),
        (FIRING, None, None),
        (None, None, None),
    ],
)
def test_each_change_is_one_line(
    caplog: pytest.LogCaptureFixture,
    old: Alert | None,
    new: Alert | None,
    line: tuple[str, str] | None,
) -> None:
    log_change(old, new)

    assert ([line] if line else []) == lines(caplog)


@pytest.mark.parametrize(
    ("event_type", "level"),
    [
        ("I", "INFO"),
        ("S", "INFO"),
        ("W", "WARNING"),
        ("E", "ERROR"),
        ("TE", "ERROR"),
        ("?", "ERROR"),
    ],
)
def test_the_level_follows_the_event_type(
    caplog: pytest.LogCaptureFixture, event_type: str, level: str
) -> None:
    log_change(None, evolve(FIRING, event_type=event_type))

    assert [level] == [record.levelname for record in caplog.records]


def test_machines_get_the_fields(caplog: pytest.LogCaptureFixture) -> None:
    log_change(None, FIRING)

    assert caplog.records[0].__dict__["fields"] == {
        "event": "firing",
        "alertname": "Disk usage",
        "event_type": "W",
        "instance": "/srv",
        "module": "m",
    }


def test_runs_are_for_those_who_debug(caplog: pytest.LogCaptureFixture) -> None:
    log_run(Run("disk", 0.0, 0.0, 0.25, error="no", timed_out=True))

    assert [("DEBUG", "disk: timeout in 0.250 s")] == lines(caplog)


def test_the_table_shows_when_each_module_runs_next() -> None:
    rows = [
        ModuleStats("disk", "disk", next_run=TABLE_START + 4),
        ModuleStats("nightly report", "command", next_run=TABLE_START + 11 * 3600),
        ModuleStats("old", "connection", state="disabled"),
    ]

    assert start_table(rows, ZoneInfo("Asia/Seoul"), TABLE_START).split("\n") == [
        "  MODULE          CHECK       NEXT RUN",
        "  disk            disk        07:13:24 (in 4 s)",
        "  nightly report  command     18:13:20 (in 11 h 0 min)",
        "  old             connection  disabled",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-5.0, "0 s"),
        (0.4, "0 s"),
        (99.4, "99 s"),
        (99.6, "2 min"),
        (720.0, "12 min"),
        (5_940.0, "99 min"),
        (6_000.0, "1 h 40 min"),
        (11_100.0, "3 h 5 min"),
        (90_000.0, "25 h 0 min"),
    ],
)
def test_spans_are_for_people(value: float, text: str) -> None:
    assert text == seconds(value)
