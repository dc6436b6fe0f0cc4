"""Where modules run in their intervals: neighbours together, groups apart, hosts differently."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.config.service import Module
from supervisor.observations import Duration
from supervisor.schedule.offsets import GOLDEN_RATIO, Offsets
from supervisor.schedule.schedule import Grid, build

SLOT = 0.2
WINDOW = 0.1
HOURS = 2
EVERY = st.sampled_from([1.0, 2.0, 5.0, 7.0, 10.0, 20.0, 30.0, 45.0, 60.0, 61.5, 300.0, 3600.0])
CHECKS = st.sampled_from(["connection", "disk", "command"])
FILES = st.lists(st.tuples(EVERY, CHECKS), max_size=60)
HOSTS = st.text("abc0123", max_size=4)

File = Sequence[tuple[float, str]]


def grids(file: File, host: str = "h") -> list[Grid]:
    """Return the grid of each module of a service file."""
    modules = [
        Module(check, f"m{number}", every=Duration(every))
        for number, (every, check) in enumerate(file)
    ]
    found = build(modules, service="S", host=host, timezone=ZoneInfo("UTC"))
    return [grid for grid in found.values() if isinstance(grid, Grid)]


def most_at_once(found: Sequence[Grid], seconds: float) -> int:
    """Return how many runs begin within `WINDOW`, at most."""
    starts = sorted(round(tick, 3) for grid in found for tick in grid.between(0, seconds))
    most = first = 0
    for last, start in enumerate(starts):
        while start - starts[first] >= WINDOW:
            first += 1
        most = max(most, last - first + 1)
    return most


def distance(one: float, other: float, every: float) -> float:
    """Return how far two offsets are apart, on the circle of their interval."""
    apart = abs(one - other) % every
    return min(apart, every - apart)


def test_offsets_stay_the_same_over_processes_and_versions() -> None:
    file = [(60.0, "disk")] * 17 + [(10.0, "disk")] * 9

    found = Counter(grid.offset for grid in grids(file, "host-1"))

    assert found == {24.2: 16, 1.2: 1, 4.0: 9}


def test_offsets_differ_by_host_and_are_whole_slots() -> None:
    offsets = [grids([(60.0, "disk")], f"host-{number}")[0].offset for number in range(100)]

    assert len(set(offsets)) > 80
    assert all(abs(offset * 5 - round(offset * 5)) < 1e-6 for offset in offsets)
    assert all(0 <= offset < 60 for offset in offsets)


@given(FILES, FILES, HOSTS)
def test_what_is_appended_moves_no_module(before: File, after: File, host: str) -> None:
    assert grids([*before, *after], host)[: len(before)] == grids(before, host)


@given(EVERY, st.integers(1, 100), HOSTS)
def test_eight_neighbours_share_a_tick_and_then_the_next_eight(
    every: float, count: int, host: str
) -> None:
    found = grids([(every, "disk")] * count, host)

    assert all(grid == found[number // 8 * 8] for number, grid in enumerate(found))


@given(EVERY, st.integers(1, 16), HOSTS)
def test_two_groups_of_one_interval_meet(every: float, count: int, host: str) -> None:
    assert len(set(grids([(every, "disk")] * count, host))) == 1


@given(st.lists(st.tuples(st.just(10.0), CHECKS), max_size=60))
def test_a_command_takes_the_room_of_four_modules(file: File) -> None:
    found = grids(file)
    taken = 0
    firsts: dict[int, Grid] = {}
    for grid, (_, check) in zip(found, file, strict=True):
        assert grid == firsts.setdefault(taken // 8, grid)
        taken += 4 if check == "command" else 1


@given(FILES, HOSTS)
def test_no_module_is_more_than_a_slot_from_where_the_golden_ratio_puts_it(
    file: File, host: str
) -> None:
    phase = Offsets.of("S", host).phase
    taken: Counter[float] = Counter()
    for grid, (every, check) in zip(grids(file, host), file, strict=True):
        there = (phase + GOLDEN_RATIO * every * (taken[every] // 16)) % every
        taken[every] += 4 if check == "command" else 1

        assert 0 <= grid.offset < every
        # It was also rounded down to a slot.
        assert distance(grid.offset, math.floor(there / SLOT) * SLOT, every) < SLOT + 0.01


@given(st.lists(st.tuples(st.sampled_from([10.0, 20.0, 30.0, 60.0, 300.0]), CHECKS), max_size=500))
def test_at_most_sixteen_of_five_hundred_modules_start_together(file: File) -> None:
    assert most_at_once(grids(file), 600) <= 16


@pytest.mark.parametrize("every", [10.0, 60.0])
@pytest.mark.parametrize("host", [f"host-{number}" for number in range(40)])
def test_five_hundred_modules_of_one_interval_are_spread(every: float, host: str) -> None:
    found = grids([(every, "disk")] * 500, host)

    assert most_at_once(found, 2 * every) <= 16
    assert len(set(found)) >= 32


def test_ten_thousand_modules_are_spread_evenly() -> None:
    slots = Counter(grid.offset for grid in grids([(10.0, "disk")] * 10_000))

    assert len(slots) == 50
    assert max(slots.values()) <= 240


@given(st.sampled_from([(5.0, 10.0), (10.0, 60.0), (60.0, 300.0), (30.0, 3600.0)]), HOSTS)
def test_intervals_that_are_multiples_meet(every: tuple[float, float], host: str) -> None:
    short, long = grids([(every[0], "disk"), (every[1], "disk")], host)

    assert set(long.between(0, 7200)) <= set(short.between(0, 7200))


def test_a_few_modules_with_ordinary_intervals_wake_the_process_rarely() -> None:
    file = [(60.0, "disk")] * 6 + [(300.0, "disk")] * 4 + [(30.0, "disk")] * 2 + [(3600.0, "disk")]
    moments = {tick for grid in grids(file) for tick in grid.between(0, 3600 * HOURS)}

    assert len(moments) <= 3 * 60 * HOURS


def test_intervals_shorter_than_a_slot_and_uneven_ones_have_offsets() -> None:
    file = [(every, "disk") for every in (0.01, 0.1, 0.2, 0.3, 7.0, 61.5, 90.0)]

    assert all(0 <= grid.offset < grid.every for grid in grids(file))
