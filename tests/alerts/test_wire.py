"""What is posted: clean, labelled, dated, and never more than a peer takes."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from attrs import asdict
from hypothesis import given
from hypothesis import strategies as st

from supervisor import text
from supervisor.alerts import hysteresis, sanitize
from supervisor.alerts.labels import alert_annotations, alert_labels, event_id
from supervisor.alerts.payload import Payload
from supervisor.config.service import Module, Service
from supervisor.errors import CheckFailed
from supervisor.observations import Condition, Measurement, Report

SERVICE = Service(
    Path("X"), "SHOP", ZoneInfo("Asia/Seoul"), labels={"host": "h", "site": "north", "empty": ""}
)
MODULE = Module("disk", "disk", labels={"team": "t", "site": "south"}, annotations={"runbook": "r"})
anything = st.text(st.characters(), max_size=60)  # lone surrogates, too


@given(anything, st.integers(20, 100))
def test_clean_text_is_what_any_peer_stores_as_it_is(text: str, limit: int) -> None:
    found = sanitize.clean_text(text, limit)

    assert len(found.encode()) <= limit
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", found)
    assert sanitize.clean_text(found, limit) == found


@given(anything)
def test_a_label_is_one_line(text: str) -> None:
    found = sanitize.clean_label(text)

    assert "\n" not in found
    assert "\t" not in found


def test_long_text_is_cut_with_a_mark_and_never_inside_a_letter() -> None:
    assert sanitize.clean_text("x" * 100, 20) == "x" * 11 + "… (cut)"
    assert sanitize.clean_text("한" * 100, 20) == "한" * 3 + "… (cut)"
    assert sanitize.clean_text("short", 20) == "short"


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


@given(st.dictionaries(anything.map(sanitize.clean_label), anything.map(sanitize.clean_label)))
def test_a_payload_is_read_again_as_it_was_written(values: dict[str, str]) -> None:
    made = Payload.of(values, {"message": "m"}, "https://example.invalid/")
    alert = json.loads(made.at(0.0, 1.5))

    assert (made.labels, made.annotations) == (values, {"message": "m"})
    assert (alert["labels"], alert["generatorURL"], alert["startsAt"], alert["endsAt"]) == (
        values,
        "https://example.invalid/",
        "1970-01-01T00:00:00.000Z",
        "1970-01-01T00:00:01.500Z",
    )


@given(st.floats(0, 4e9), st.floats(0, 4e9))
def test_times_are_rfc3339_in_utc_and_keep_their_order(one: float, other: float) -> None:
    first, second = sorted((one, other))

    assert text.rfc3339(first) <= text.rfc3339(second)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text.rfc3339(one))
    found = datetime.fromisoformat(text.rfc3339(one)).astimezone(UTC).timestamp()
    assert found == pytest.approx(one, abs=0.002)


def test_an_annotation_set_to_nothing_is_removed() -> None:
    made = Payload.of({}, {"message": "m", "last_confirmed": "x"})

    assert made.has_annotation("last_confirmed")
    assert made.annotate(last_confirmed="") == Payload.of({}, {"message": "m"})
    assert made.annotate(delayed="true") == Payload.of(
        {}, {"message": "m", "last_confirmed": "x", "delayed": "true"}
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


def test_of_two_observations_of_one_identity_the_graver_type_wins() -> None:
    warning, error = Condition("A", "W", "/", "a\nb"), Condition("A", "E", "/", "b\nc")

    for merged in (hysteresis.merge(warning, error), hysteresis.merge(error, warning)):
        assert merged.event_type == "E"
        assert sorted(merged.message.split("\n")) == ["a", "b", "c"]


hostile = st.none() | st.integers() | anything | st.lists(anything, max_size=2)
mappings = st.dictionaries(anything | st.integers(), hostile, max_size=2) | hostile


@given(st.builds(Condition, hostile, hostile, hostile, hostile, hostile, mappings, mappings))
def test_any_condition_is_cleaned_or_refused(condition: Condition) -> None:
    try:
        found = sanitize.clean_observation(condition)
    except CheckFailed:
        return
    assert isinstance(found, Condition)
    json.dumps(alert_labels(SERVICE, MODULE, found)).encode()
    assert sanitize.clean_observation(found) == found


@pytest.mark.parametrize("rubbish", [None, 7, "text", object(), {}, Condition])
def test_what_is_no_observation_is_refused(rubbish: object) -> None:
    with pytest.raises(CheckFailed, match="which is not a Condition, Report or Measurement"):
        sanitize.clean_observation(rubbish)


@pytest.mark.parametrize("name", ["", "1st", "with space", "a-b", "é", "a\n"])
def test_label_names_are_those_of_prometheus(name: str) -> None:
    with pytest.raises(CheckFailed, match="with the label name"):
        sanitize.clean_observation(Report("A", "m", labels={name: "x"}))


def test_a_measurement_is_made_fit_to_be_shown() -> None:
    labels = {"mount_point": "/srv/\udcff\n<b>\x1b", "n": 1}
    found = sanitize.clean_observation(Measurement("a\udcff", 3, "\udcff", labels))  # type: ignore[arg-type]  # rubbish is the point

    assert found == Measurement("a�", 3, "�", {"mount_point": "/srv/� <b>�", "n": "1"})
    with pytest.raises(CheckFailed, match="whose labels are not a mapping"):
        sanitize.clean_observation(Measurement("use", 3, labels=["x"]))  # type: ignore[arg-type]  # as above


@given(anything, anything, anything)
def test_any_measurement_can_be_sent_as_json(name: str, label: str, text: str) -> None:
    found = sanitize.clean_observation(Measurement(name, 1.5, text, {label: text}))

    assert isinstance(found, Measurement)
    assert json.dumps(asdict(found), ensure_ascii=False).encode()


def test_a_measurement_is_a_name_and_a_number() -> None:
    assert sanitize.clean_observation(Measurement("use", 3)) == Measurement("use", 3)
    with pytest.raises(CheckFailed, match="without a name or a number"):
        sanitize.clean_observation(Measurement("use", "3"))  # type: ignore[arg-type]  # rubbish is the point


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 10**400], ids=["n", "i", "m", "h"]
)
def test_a_measurement_that_json_does_not_know_is_refused(value: float) -> None:
    with pytest.raises(CheckFailed, match="the Measurement 'use' without a finite number"):
        sanitize.clean_observation(Measurement("use", value))
