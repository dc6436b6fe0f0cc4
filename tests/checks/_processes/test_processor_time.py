"""How much of a processor something used between two runs, whatever the last run has left."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._processes import processor_time
from checks._processes.processor_time import (
    MAX_KEYS,
    MIN_SECONDS,
    Counter,
    Moment,
    now,
    read,
    recall,
)
from supervisor.api import Json

BOOT = "boot"


def after(earlier: Json, at: float, seconds: float, key: str = "1/5", born: float = 0.0) -> Json:
    """Return the state after a reading of one counter."""
    return read(earlier, Moment(BOOT, at), {"a": {key: Counter(seconds, born)}}).state


def percents(earlier: Json, at: float, *counters: tuple[str, float, float]) -> dict[str, float]:
    used = {"a": {key: Counter(seconds, born) for key, seconds, born in counters}}
    return dict(read(earlier, Moment(BOOT, at), used).percents)


def test_the_growth_is_divided_by_the_time_between() -> None:
    state = after(None, 100.0, 10.0)

    assert percents(None, 100.0, ("1/5", 10.0, 0.0)) == {}
    assert percents(state, 110.0, ("1/5", 15.0, 0.0)) == {"a": 50.0}
    assert percents(state, 110.0, ("1/5", 50.0, 0.0)) == {"a": 400.0}


def test_what_began_since_then_counts_as_a_whole() -> None:
    state = after(None, 100.0, 10.0)

    assert percents(state, 110.0, ("1/5", 15.0, 0.0), ("2/6", 2.0, 105.0)) == {"a": 70.0}
    assert percents(state, 110.0, ("2/6", 2.0, 105.0)) == {"a": 20.0}
    assert percents(state, 110.0, ("2/6", 2.0, math.inf)) == {"a": 20.0}


def test_what_is_older_and_was_not_read_then_does_not_count() -> None:
    state = after(None, 100.0, 10.0)

    assert percents(state, 110.0, ("3/7", 5000.0, 50.0)) == {"a": 0.0}


def test_a_name_that_was_not_read_then_has_no_figure() -> None:
    state = after(None, 100.0, 10.0)
    used = {"b": {"1/5": Counter(15.0, 0.0)}}

    assert read(state, Moment(BOOT, 110.0), used).percents == {}


def test_a_counter_that_falls_counts_as_nothing() -> None:
    assert percents(after(None, 100.0, 10.0), 110.0, ("1/5", 3.0, 0.0)) == {"a": 0.0}


def test_another_boot_begins_again() -> None:
    state = after(None, 100.0, 10.0)
    booted = read(state, Moment("other", 150.0), {"a": {"1/5": Counter(60.0)}})

    assert booted.percents == {}
    assert read(booted.state, Moment("other", 160.0), {"a": {"1/5": Counter(61.0)}}).percents == {
        "a": 10.0
    }


def test_a_run_right_after_another_keeps_its_figures() -> None:
    first = after(None, 100.0, 10.0)
    second = after(first, 110.0, 15.0)
    at_once = read(second, Moment(BOOT, 110.0 + MIN_SECONDS / 2), {"a": {"1/5": Counter(15.01)}})

    assert at_once.percents == {"a": 50.0}
    assert at_once.state == second


def test_a_reading_that_lies_ahead_is_begun_again() -> None:
    ahead = after(None, 1e9, 10.0)

    assert percents(ahead, 110.0, ("1/5", 15.0, 0.0)) == {}
    assert percents(after(ahead, 110.0, 15.0), 120.0, ("1/5", 16.0, 0.0)) == {"a": 10.0}


def test_a_state_stays_small() -> None:
    many = {f"{pid}/123456789": Counter(float(pid)) for pid in range(1, 100_000)}
    state = read(None, Moment(BOOT, 1e6), {"a": many, "b": {}}).state

    assert isinstance(state, dict)
    assert len(state["used"]["a"]) == MAX_KEYS
    assert "99999/123456789" in state["used"]["a"]
    assert len(json.dumps(state)) < 24 * 1024


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
TABLES = st.dictionaries(st.sampled_from(["a", "b"]), JSON, max_size=2)


@given(
    st.one_of(
        JSON,
        st.fixed_dictionaries(
            {
                "boot": st.just(BOOT) | JSON,
                "at": st.floats() | st.integers() | JSON,
                "used": TABLES | st.dictionaries(st.just("a"), TABLES),
                "percents": TABLES,
            }
        ),
    ),
    st.floats(0, 1e9),
)
def test_any_stored_state_is_used_or_begun_again(state: Json, at: float) -> None:
    reading = read(state, Moment(BOOT, at), {"a": {"1/5": Counter(7.0)}})

    assert all(0 <= percent < math.inf for percent in reading.percents.values())
    assert recall(json.loads(json.dumps(reading.state))) is not None


@pytest.mark.parametrize("number", [True, -1, math.nan, math.inf, 10**400, "1", None])
def test_what_is_not_a_number_of_seconds_is_not_recalled(number: Json) -> None:
    good: dict[str, Json] = {"boot": BOOT, "at": 1.0, "used": {"a": {"k": 1}}, "percents": {}}

    assert recall(good) is not None
    assert recall({**good, "at": number}) is None
    assert recall({**good, "used": {"a": {"k": number}}}) is None
    assert recall({**good, "percents": {"a": number}}) is None


def test_the_present_moment_is_one_of_this_boot() -> None:
    first, second = now(), now()

    assert first.boot == second.boot
    assert first.at <= second.at


def test_a_proc_that_shows_processes_alone_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor_time, "BOOT_ID", Path("/proc/none"))

    assert now().boot == ""
