"""The JSON object of an alert: written once, read again, and dated with each post."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.alerts.payload import Payload
from supervisor.alerts.sanitize import clean_label
from supervisor.text import rfc3339
from tests.support.strategies import any_text


@given(st.dictionaries(any_text.map(clean_label), any_text.map(clean_label)))
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

    assert rfc3339(first) <= rfc3339(second)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", rfc3339(one))
    found = datetime.fromisoformat(rfc3339(one)).astimezone(UTC).timestamp()
    assert found == pytest.approx(one, abs=0.002)


def test_an_annotation_set_to_nothing_is_removed() -> None:
    made = Payload.of({}, {"message": "m", "last_confirmed": "x"})

    assert made.has_annotation("last_confirmed")
    assert made.annotate(last_confirmed="") == Payload.of({}, {"message": "m"})
    assert made.annotate(delayed="true") == Payload.of(
        {}, {"message": "m", "last_confirmed": "x", "delayed": "true"}
    )
