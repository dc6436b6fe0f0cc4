"""The lines that people read: one for each change, and none for a mere update."""

from __future__ import annotations

import logging

import pytest
from attrs import evolve

from supervisor.alerts.alert import Alert, State
from supervisor.alerts.payload import Payload
from supervisor.observations import Run
from supervisor.recorder.event_log import log_change, log_run
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
