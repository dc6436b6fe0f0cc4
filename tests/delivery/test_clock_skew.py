"""A peer's clock differs from ours: by how much times are shifted, and what is said of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.delivery.clock_skew import TOLERATED_SKEW, is_tolerated, shift_for, skew_message

skews = st.floats(-1e6, 1e6)


@pytest.mark.parametrize("skew", [0.0, TOLERATED_SKEW, -TOLERATED_SKEW])
def test_a_small_difference_is_tolerated_and_shifts_nothing(skew: float) -> None:
    assert is_tolerated(skew)
    assert shift_for(skew, 0.0) == 0.0


@pytest.mark.parametrize(("skew", "shift"), [(31.2, 31.0), (-3600.4, -3600.0)])
def test_a_greater_one_is_a_shift_of_whole_seconds(skew: float, shift: float) -> None:
    assert not is_tolerated(skew)
    assert shift_for(skew, 0.0) == shift


def test_a_shift_stays_while_the_difference_wanders_and_ends_at_25_seconds() -> None:
    assert [shift_for(skew, 40.0) for skew in (35.0, 45.0, 45.1, 34.9)] == [40.0, 40.0, 45.0, 35.0]
    assert [shift_for(skew, 30.0) for skew in (25.1, 25.0)] == [30.0, 0.0]


@given(skews, skews)
def test_the_shifted_times_are_right_and_a_second_look_changes_nothing(
    skew: float, known: float
) -> None:
    shift = shift_for(skew, known)

    assert abs(skew - shift) <= TOLERATED_SKEW
    assert shift_for(skew, shift) == shift


def test_the_message_says_which_clock_is_ahead() -> None:
    assert "the clock of peer is 90 s ahead of this host's" in skew_message("peer", 90.0)
    assert "the clock of peer is 60 min behind this host's" in skew_message("peer", -3600.0)
