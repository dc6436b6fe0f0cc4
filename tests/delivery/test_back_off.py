"""After a failure: how long to wait, and how many alerts the next request may hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.delivery.back_off import MAX_BACKOFF, BatchSize, backoff


@pytest.mark.parametrize(("failures", "wait"), [(0, 1.0), (1, 2.0), (5, 32.0), (6, 60.0)])
def test_the_wait_doubles_from_one_second_to_sixty(failures: int, wait: float) -> None:
    assert backoff(failures, None, 60.0, 1.0) == wait
    assert backoff(failures, None, 60.0, 0.25) == wait / 4


@given(st.integers(0, 10**9), st.floats(0, 1))
def test_no_number_of_failures_makes_the_wait_longer_than_a_minute(
    failures: int, jitter: float
) -> None:
    assert 0.0 <= backoff(failures, None, 60.0, jitter) <= MAX_BACKOFF


def test_the_next_batch_holds_half_of_what_failed_and_grows_with_each_success() -> None:
    size = BatchSize(256)
    size.failed(256)
    size.failed(100)
    halved = size.limit
    grown = []
    for _ in range(4):
        size.passed()
        grown.append(size.limit)

    assert (halved, grown) == (50, [100, 200, 256, 256])


def test_a_single_alert_that_fails_leaves_a_batch_of_one() -> None:
    size = BatchSize(256)
    size.failed(1)

    assert size.limit == 1


@given(st.integers(1, 300), st.lists(st.one_of(st.none(), st.integers(1, 300)), max_size=60))
def test_the_size_stays_within_its_bounds(max_batch: int, failed: list[int | None]) -> None:
    size = BatchSize(max_batch)
    for count in failed:
        before = size.limit
        if count is None:
            size.passed()
            assert size.limit >= before
        else:
            size.failed(count)
            assert size.limit <= max(1, count // 2)
        assert 1 <= size.limit <= max_batch
