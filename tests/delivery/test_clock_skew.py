"""A peer's clock differs from ours: by how much times are shifted, and what is said of it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.delivery.clock_skew import (
    STEADY_AFTER,
    TOLERATED_SKEW,
    PeerClock,
    is_tolerated,
    shift_for,
    skew_message,
)

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
    assert "the clock of peer is 90 s ahead of this host's" in said(PeerClock(90.0))
    assert "the clock of peer is 60 min behind this host's" in said(PeerClock(-3600.0))
    assert "the clock of peer jumps by more than 30 s" in said(PeerClock(90.0, jumps=True))
    assert skew_message("peer", PeerClock()) is None


def said(clock: PeerClock) -> str:
    message = skew_message("peer", clock)
    assert message is not None
    return message


def test_the_first_measurement_is_followed_and_a_jump_is_followed_once() -> None:
    clock = PeerClock()

    assert [clock.measure(3600.0, moment=0.0), clock.shift] == [True, 3600.0]
    assert [clock.measure(0.5, moment=1.0), clock.shift, clock.jumps] == [True, 0.0, False]
    assert [clock.measure(3600.0, moment=2.0), clock.shift, clock.jumps] == [False, 0.0, True]


def test_a_second_jump_is_followed_when_the_next_answer_confirms_it() -> None:
    clock = PeerClock()
    for moment, skew in enumerate((0.0, -7200.0)):
        clock.measure(skew, moment=moment)
    back = [clock.measure(0.0, moment=356.0 + minute * 60.0) for minute in range(2)]

    assert back == [False, False]
    assert (clock.shift, clock.jumps) == (0.0, True)


def test_a_clock_that_jumps_from_answer_to_answer_is_not_followed() -> None:
    clock = PeerClock()
    for moment in range(100):
        clock.measure(45.0 if moment % 2 else -45.0, moment=moment)

    assert (clock.shift, clock.jumps) == (45.0, True)


def test_a_clock_that_has_been_steady_may_jump_again() -> None:
    clock = PeerClock()
    for moment, skew in enumerate((0.0, 100.0, 0.0)):
        clock.measure(skew, moment=moment)
    clock.measure(1.0, moment=2 + STEADY_AFTER - 1)
    during = clock.jumps
    clock.measure(1.0, moment=2 + STEADY_AFTER)

    assert (during, clock.jumps) == (True, False)
    assert clock.measure(100.0, moment=3 + STEADY_AFTER)


def test_a_clock_that_drifts_is_followed_for_ever_and_nothing_sent_is_wrong() -> None:
    clock = PeerClock()
    clock.measure(31.0, moment=0.0)
    wrong = [clock.measure(31.0 + 6.0 * minute, moment=60.0 * minute) for minute in range(100)]

    assert wrong == [False] * 100
    assert clock.shift == pytest.approx(31.0 + 6.0 * 99, abs=6.0)


def test_a_step_of_our_own_clock_is_no_jump_of_the_peers() -> None:
    clock = PeerClock()
    for steps, skew in enumerate((0.0, 100.0, 200.0, 300.0)):
        assert clock.measure(skew, moment=0.0, own_steps=steps) is (skew > 0)
        assert (clock.shift, clock.jumps) == (skew, False)


@given(st.lists(st.tuples(st.floats(0.0, 100.0), skews), max_size=60))
def test_however_a_clock_wanders_it_makes_us_send_again_at_most_once_in_ten_minutes(
    steps: list[tuple[float, float]],
) -> None:
    clock, moment, resent = PeerClock(), 0.0, []
    clock.measure(0.0, moment=moment)
    for pause, skew in steps:
        moment += pause
        if clock.measure(skew, moment=moment):
            resent.append(moment)

    assert all(after - before >= STEADY_AFTER for before, after in pairwise(resent))
