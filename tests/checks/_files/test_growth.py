"""How fast usage grows: a line through the points of the last hour, held against fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._files import growth
from checks._files.growth import MIN_POINTS, MIN_SPAN, SPACING, WINDOW, Point

BEGIN = 1_800_000_000
GIB = 2**30

POINTS = st.lists(
    st.tuples(st.integers(BEGIN, BEGIN + WINDOW), st.integers(0, 2**60)),
    min_size=1,
    max_size=15,
    unique_by=lambda point: point[0],
).map(sorted)


def slope(points: list[Point]) -> Fraction:
    """Return the slope of the line with the least squares, by its definition."""
    mean_time = Fraction(sum(time for time, _ in points), len(points))
    mean_used = Fraction(sum(used for _, used in points), len(points))
    rise = sum((time - mean_time) * (used - mean_used) for time, used in points)
    return Fraction(rise) / sum((time - mean_time) ** 2 for time, _ in points)


@given(POINTS)
def test_the_rate_is_the_slope_of_the_line_with_the_least_squares(points: list[Point]) -> None:
    *before, last = points
    found = growth.rate(before, last)

    tells = len(points) >= MIN_POINTS and last[0] - points[0][0] >= MIN_SPAN
    if tells and last[1] >= before[-1][1] and slope(points) > 0:
        assert found == pytest.approx(float(slope(points)))
    else:
        assert found is None


@given(st.lists(st.tuples(st.integers(-50, 900), st.integers(0, 2**60)), max_size=200))
def test_what_is_kept_is_recent_bounded_and_in_order(steps: list[Point]) -> None:
    now, seen = BEGIN, set()
    points: tuple[Point, ...] = ()
    for seconds, used in steps:
        now += seconds
        seen.add((now, used))
        points = growth.kept(growth.recent(points, now), (now, used))
        points = growth.load([[*point] for point in points])

        times = [time for time, _ in points]
        assert set(points) <= seen
        assert all(now - WINDOW <= time <= now for time in times)
        assert all(after - time >= SPACING for time, after in pairwise(times))
        assert len(points) <= WINDOW / SPACING + 1
        assert now - times[-1] < SPACING


def test_growth_is_told_from_half_an_hour_on_and_not_while_usage_falls() -> None:
    points: tuple[Point, ...] = ()
    rates = []
    for minute in range(0, 100, 10):
        used = (minute if minute < 60 else 120 - minute) * GIB
        point = BEGIN + minute * 60, used
        points = growth.recent(points, point[0])
        rates.append(growth.rate(points, point))
        points = growth.kept(points, point)

    assert rates[:3] == [None] * 3
    assert rates[3:6] == [pytest.approx(GIB / 60)] * 3
    assert rates[6] is not None  # 60 GiB, the highest
    assert rates[7:] == [None] * 3


@pytest.mark.parametrize(
    "value", [None, 1, "x", {}, [1], [[1]], [[1, "2"]], [[1.5, 2]], [[True, 2]]]
)
def test_what_is_not_a_point_is_left_out(value: object) -> None:
    assert growth.load(value) == ()  # type: ignore[arg-type]  # any JSON
