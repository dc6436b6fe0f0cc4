"""Labels and annotations: those of the supervisor, the module and the check."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from supervisor.alerts.labels import alert_annotations, alert_labels, event_id
from supervisor.config.service import Module, Service
from supervisor.observations import Condition, Report

SERVICE = Service(
    Path("X"), "SHOP", ZoneInfo("Asia/Seoul"), labels={"host": "h", "site": "north", "empty": ""}
)
MODULE = Module("disk", "disk", labels={"team": "t", "site": "south"}, annotations={"runbook": "r"})


def test_labels_of_the_observation_cannot_take_the_place_of_ours() -> None:
    labels = {"host": "evil", "check": "evil", "instance": "evil", "event_id": "x", "mine": "m"}
    condition = Condition("Full", "W", "/", "m", labels={**labels, "service": "OTHER"})

    assert alert_labels(SERVICE, MODULE, condition) == {
        "alertname": "Full",
        "check": "disk",
        "event_type": "W",
        "host": "h",
        "instance": "/",
        "mine": "m",
        "service": "OTHER",
        "site": "south",
        "team": "t",
    }


def test_empty_labels_are_left_out_since_alertmanager_drops_them() -> None:
    assert "instance" not in alert_labels(SERVICE, MODULE, Condition("A", "W", "", "m"))


def test_annotations_are_ours_the_modules_and_the_checks() -> None:
    condition = Condition("A", "W", "/", "m", annotations={"event_time": "2026-01-01 00:00:00"})

    assert alert_annotations(SERVICE, MODULE, condition, 0.0) == {
        "runbook": "r",
        "event_time": "2026-01-01 00:00:00",
        "message": "m",
    }
    plain = alert_annotations(SERVICE, MODULE, Report("A", "", "<b>"), 0.0)
    assert (plain["event_time"], plain["message"], plain["detail"]) == (
        "1970-01-01 09:00:00",
        "",
        "<b>",
    )


def test_the_identity_of_a_report_is_the_same_whenever_it_is_made_again() -> None:
    identities = {
        event_id(SERVICE, "daily", 100.0, "Daily", 0),
        event_id(SERVICE, "daily", 100.0, "Daily", 1),
        event_id(SERVICE, "daily", 101.0, "Daily", 0),
        event_id(SERVICE, "other", 100.0, "Daily", 0),
        event_id(SERVICE, "daily", 100.0, "Other", 0),
    }

    assert len(identities) == 5
    assert event_id(SERVICE, "daily", 100.0, "Daily", 0) in identities
