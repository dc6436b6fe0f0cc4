"""When which host is asked: each in each round, evenly, and never too many at once."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._ping.rounds import MOST_IN_SLOT, SLOT, Rounds

rounds = st.builds(
    Rounds,
    hosts=st.integers(1, 3000),
    count=st.integers(1, 5),
    interval=st.floats(0.01, 5),
    timeout=st.floats(0.1, 5),
)


@given(rounds)
def test_each_host_is_asked_in_each_round_and_after_its_interval(made: Rounds) -> None:
    asked: dict[int, list[float]] = {host: [] for host in range(made.hosts)}
    for at, number, first in made.times():
        for host in range(first, min(first + made.group, made.hosts)):
            assert len(asked[host]) == number
            asked[host].append(at)

    assert {len(times) for times in asked.values()} == {made.count}
    gaps = [b - a for times in asked.values() for a, b in pairwise(times)]
    assert all(gap >= made.interval - 1e-9 for gap in gaps)


@given(rounds)
def test_groups_are_small_and_one_slot_apart(made: Rounds) -> None:
    times = [at for at, _, _ in made.times()]

    assert made.group <= MOST_IN_SLOT
    assert made.hosts / made.period <= MOST_IN_SLOT / SLOT + 1e-6
    if made.slots > 1:
        assert all(b - a >= SLOT - 1e-9 for a, b in pairwise(times))
    assert times[-1] + made.timeout == pytest.approx(made.seconds)


def test_a_thousand_hosts_are_asked_five_times_in_five_seconds() -> None:
    made = Rounds(1000, 5, interval=1, timeout=2)

    assert (made.group, made.period) == (100, 1)
    assert made.seconds - made.timeout < 5


def test_a_few_hosts_are_asked_at_once() -> None:
    assert Rounds(16, 5, interval=1, timeout=2).slots == 1
    assert Rounds(60, 5, interval=1, timeout=2).slots == 4
