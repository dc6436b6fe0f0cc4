"""The time limit of a request follows its size and the pace of the peer."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from supervisor.config.service import Alertmanager
from supervisor.delivery.pace import MAX_BATCH_BYTES, SMALL_BYTES, Pace
from supervisor.observations import Duration
from tests.support.ledger_bench import service_of

KB = 1000
sizes = st.integers(1, 4 * MAX_BATCH_BYTES)


@pytest.mark.parametrize(
    ("timeout", "resend", "longest"), [(5, 60, 60), (5, 10, 10), (5, 2, 5), (90, 60, 90)]
)
def test_no_request_takes_longer_than_the_resend_interval_or_a_minute_or_the_time_out(
    timeout: float, resend: float, longest: float
) -> None:
    service = service_of(resend_interval=Duration(resend))
    service = evolve(service, alertmanager=Alertmanager(timeout=Duration(timeout)))

    assert Pace.of(service).longest == longest


def test_before_anything_is_measured_the_time_out_is_the_limit() -> None:
    pace = Pace(5.0, 60.0)

    assert [pace.seconds_for(size) for size in (1, SMALL_BYTES, MAX_BATCH_BYTES)] == [5.0] * 3
    assert pace.max_bytes == MAX_BATCH_BYTES


def test_a_measured_pace_gives_a_large_request_its_time_and_a_small_one_no_more() -> None:
    pace = Pace(5.0, 60.0)
    pace.took(200 * KB, 2.0)

    assert (pace.seconds_for(SMALL_BYTES), pace.seconds_for(600 * KB)) == (5.0, 12.0)
    assert pace.max_bytes == 500 * KB


def test_a_request_that_timed_out_gets_twice_the_time_and_half_of_it_the_same() -> None:
    pace = Pace(5.0, 60.0)
    limits = []
    for _ in range(5):
        limits.append(pace.seconds_for(500 * KB))
        pace.timed_out(500 * KB, limits[-1])

    assert limits == [5.0, 10.0, 20.0, 40.0, 60.0]
    pace = Pace(5.0, 60.0)
    pace.timed_out(1000 * KB, 5.0)
    assert pace.seconds_for(500 * KB) == 5.0


def test_a_small_request_says_nothing_about_the_pace() -> None:
    pace = Pace(5.0, 60.0)
    pace.took(SMALL_BYTES, 4.9)
    pace.timed_out(SMALL_BYTES, 5.0)

    assert pace == Pace(5.0, 60.0)


@given(
    st.floats(0.01, 100),
    st.lists(st.tuples(st.booleans(), sizes, st.floats(0, 100)), max_size=40),
    sizes,
)
def test_whatever_was_measured_limits_stay_within_their_bounds(
    timeout: float, measured: list[tuple[bool, int, float]], size: int
) -> None:
    pace = Pace(timeout, max(timeout, 60.0))
    for in_time, number, seconds in measured:
        if in_time:
            pace.took(number, seconds)
        else:
            pace.timed_out(number, pace.seconds_for(number))
        assert pace.timeout <= pace.seconds_for(size) <= pace.longest
        assert SMALL_BYTES <= pace.max_bytes <= MAX_BATCH_BYTES


@given(st.integers(20 * KB, 10**9), st.integers(SMALL_BYTES + 1, MAX_BATCH_BYTES))
def test_a_single_large_alert_fits_after_some_tries_whatever_the_link(rate: int, size: int) -> None:
    pace = Pace(5.0, 60.0)
    for _ in range(4):
        if size / rate > pace.seconds_for(size):
            pace.timed_out(size, pace.seconds_for(size))

    assert size / rate <= pace.seconds_for(size)
