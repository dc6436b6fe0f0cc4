"""Rates from counters: windows, resets, other interfaces, and what a state may hold."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._devices import traffic
from checks._devices.interfaces import Counters, Interface
from checks._devices.traffic import Rates, Sample

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)


def counted(at: float, received: int = 0, *, errors: int = 0, index: int = 1) -> Sample:
    return Sample(at, {"eth0": (index, Counters(received, 0, errors, 0))})


def rates(before: Sample, now: Sample) -> Rates | None:
    return traffic.rates(before, now, "eth0")


def test_a_rate_is_the_difference_by_second() -> None:
    assert rates(counted(100, 5000), counted(160, 11000)) == Rates(100, 0, 0, 0)


def test_a_counter_that_was_reset_counts_from_0() -> None:
    # Also one of 32 bits that has come to its end: what is known is the least that happened.
    assert rates(counted(0, (1 << 32) - 1), counted(60, 600)) == Rates(10, 0, 0, 0)


def test_another_interface_of_the_same_name_has_no_past() -> None:
    assert rates(counted(0, 5000, index=1), counted(60, 9000, index=2)) is None


def test_an_interface_that_was_not_there_has_no_past() -> None:
    assert traffic.rates(counted(0), counted(60), "eth1") is None
    assert traffic.rates(None, counted(60), "eth0") is None


@pytest.mark.parametrize("every", [1, 10, 30, 60, 300, 3600])
def test_rates_are_those_of_a_minute_or_of_the_last_run(every: int) -> None:
    kept: list[Sample] = []
    spans = []
    for at in range(0, 20 * max(every, 30), every):
        before = traffic.base(kept, at)
        if before is not None:
            spans.append(at - before.at)
        kept = traffic.kept(kept, counted(at))
    settled = [span for span in spans if span >= traffic.WINDOW]

    assert len(kept) <= 2
    assert spans[-len(settled) :] == settled
    assert max(spans) <= max(2 * traffic.WINDOW + every, every)
    assert min(spans) >= traffic.MIN_SPAN


def test_a_run_right_after_another_is_compared_with_an_older_one() -> None:
    kept: list[Sample] = []
    for at in (0, 60, 120):
        kept = traffic.kept(kept, counted(at))
    found = traffic.base(kept, 121)

    assert found is not None
    assert found.at == 60


def test_only_some_interfaces_are_kept() -> None:
    many = [Interface(f"eth{n}", n, 1, counters=Counters(n, 0, 0, 0)) for n in range(300)]
    samples = [traffic.sample(at, many, 100) for at in (1e9, 2e9)]

    assert len(samples[0].counts) == 100
    assert len(json.dumps(traffic.dump(samples))) < 16_000


def test_what_is_kept_survives_a_restart() -> None:
    samples = [counted(100.5, 5, errors=3), counted(160.25, (1 << 64) - 1)]
    state = json.loads(json.dumps(traffic.dump(samples)))

    assert traffic.load(state, 200) == samples


@given(ANY_JSON, st.floats(min_value=0, max_value=1e9))
def test_any_state_is_read_and_what_it_cannot_be_is_left_out(state: object, now: float) -> None:
    found = traffic.load(state, now)  # type: ignore[arg-type]  # what a state may hold

    assert len(found) <= 2
    assert all(0 <= each.at <= now for each in found)


@pytest.mark.parametrize(
    "counts",
    [
        {"eth0": [1, 2, 3, 4]},
        {"eth0": [1, 2, 3, 4, -5]},
        {"eth0": [1, 2, 3, 4, True]},
        {"eth0": [1, 2, 3, 4, 1 << 64]},
        {"eth0": [1, 2, 3, 4, 5.5]},
        {"eth0": "12345"},
    ],
)
def test_counters_that_no_interface_can_have_are_left_out(counts: object) -> None:
    assert traffic.load([[5, counts]], 10) == [Sample(5, {})]


def test_a_sample_of_the_future_is_left_out() -> None:
    # The seconds since the start only grow: it is of another host, or was edited.
    assert traffic.load([[500, {}], [True, {}], [-1, {}]], 100) == []
