"""Silences as JSON, and their matchers."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.delivery.silences.silence import (
    AnswerUnreadable,
    Matcher,
    Silence,
    read_id,
    read_list,
    read_one,
)
from supervisor.doctor.routing import matchers

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["id", "matchers", "startsAt", "endsAt", "createdBy", "comment", "status", "state"]
            )
            | st.text(max_size=3),
            inner,
            max_size=8,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_whatever_json_a_peer_sends_is_read_or_refused(document: Any) -> None:
    body = json.dumps(document).encode()
    for read in (read_list, read_one, read_id):
        try:
            read(body)
        except AnswerUnreadable:
            continue


@given(st.binary(max_size=20))
def test_what_is_not_json_is_refused_or_read(body: bytes) -> None:
    with suppress(AnswerUnreadable):
        read_list(body)


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=10), st.booleans())
def test_a_matcher_is_written_as_alertmanager_reads_it(value: str, is_equal: bool) -> None:
    ours = Matcher("instance", value, is_equal=is_equal)
    (found,) = matchers.parse(str(ours))

    assert found.value == value
    for each in (value, value + "x"):
        labels = {"instance": each}
        assert found.matches(labels) is ours.matches(labels)


def test_a_silence_is_read_as_it_was_written() -> None:
    silence = Silence(
        id="1-2-3",
        matchers=(Matcher("host", "h"), Matcher("check", "a|b", is_regex=True, is_equal=False)),
        starts_at="2026-11-29T08:00:00.000Z",
        ends_at=1_795_942_800.5,
        created_by="kim",
        comment="until resolved: 4711",
    )
    document = json.loads(silence.body()) | {"status": {"state": "active"}}

    assert read_one(json.dumps(document).encode()) == silence
    assert silence.is_until_resolved


@pytest.mark.parametrize("time", ["", "now", "2026-13-01T00:00:00Z", 7, None])
def test_a_silence_with_a_time_that_is_none_is_left_out(time: object) -> None:
    silence = {
        "id": "1",
        "matchers": [],
        "startsAt": time,
        "endsAt": "2026-11-29T08:00:00Z",
        "createdBy": "kim",
        "comment": "x",
        "status": {"state": "active"},
    }

    assert read_list(json.dumps([silence]).encode()) == []
