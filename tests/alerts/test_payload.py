"""The JSON object of an alert: written once, read again, and dated with each post."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from supervisor.alerts.payload import Payload
from supervisor.text import clean_label
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


def test_an_annotation_set_to_nothing_is_removed() -> None:
    made = Payload.of({}, {"message": "m", "last_confirmed": "x"})

    assert made.has_annotation("last_confirmed")
    assert made.annotate(last_confirmed="") == Payload.of({}, {"message": "m"})
    assert made.annotate(delayed="true") == Payload.of(
        {}, {"message": "m", "last_confirmed": "x", "delayed": "true"}
    )
