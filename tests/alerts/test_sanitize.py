"""What a check returned is cleaned so that any peer stores it, or it is refused."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from attrs import asdict
from hypothesis import given
from hypothesis import strategies as st

from supervisor.alerts import sanitize
from supervisor.errors import CheckFailed
from supervisor.observations import Condition, Measurement, Report
from tests.support.strategies import any_text

hostile = st.none() | st.integers() | any_text | st.lists(any_text, max_size=2)
mappings = st.dictionaries(any_text | st.integers(), hostile, max_size=2) | hostile


@given(st.builds(Condition, hostile, hostile, hostile, hostile, hostile, mappings, mappings))
def test_any_condition_is_cleaned_or_refused(condition: Condition) -> None:
    try:
        found = sanitize.clean_observation(condition)
    except CheckFailed:
        return
    assert isinstance(found, Condition)
    json.dumps(asdict(found), ensure_ascii=False).encode()
    assert sanitize.clean_observation(found) == found


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"sustain": 1}, "whose sustain is not a boolean"),
        ({"keeps": "E"}, "whose keeps is not a tuple of texts"),
        ({"keeps": (1,)}, "whose keeps is not a tuple of texts"),
    ],
)
def test_a_band_must_be_written_as_one(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(CheckFailed, match=said):
        sanitize.clean_observation(Condition("A", "W", "/", "m", **wrong))


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


@given(any_text, any_text, any_text)
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
