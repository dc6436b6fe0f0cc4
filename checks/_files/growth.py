"""How fast a filesystem fills, by what was used in the last hour. Pure. Used by `space`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from supervisor.api import Json

WINDOW = 3600
"""Seconds. Older points do not count."""

SPACING = 300
"""Seconds between two points that are kept, at least. So there are few, however often it runs."""

MIN_SPAN = 1800
"""Seconds from the first point to the last one, below which nothing can be told."""

MIN_POINTS = 3
"""Points with fewer of which nothing can be told."""

Point: TypeAlias = tuple[int, int]
"""A time in Unix seconds, and how many bytes were used then."""


def load(value: Json) -> tuple[Point, ...]:
    """Return the points that a JSON value describes. What is not a point is left out."""
    return tuple(
        (each[0], each[1])
        for each in (value if isinstance(value, list) else ())
        if isinstance(each, list) and [*map(type, each)] == [int, int]
    )


def recent(points: Iterable[Point], now: int) -> tuple[Point, ...]:
    """Return the points of the last hour. A clock that was set back leaves some in the future."""
    return tuple(point for point in points if now - WINDOW <= point[0] <= now)


def kept(points: Sequence[Point], point: Point) -> tuple[Point, ...]:
    """Return what is to be kept of recent points and a new one."""
    if points and point[0] - points[-1][0] < SPACING:
        return tuple(points)
    return (*points, point)


def rate(points: Sequence[Point], point: Point) -> float | None:
    """Return by how many bytes a second usage grows, as a line through the points.

    None when they are too few, or too near to each other, or when usage does not grow. It also
    must not have fallen since the last point that was kept.
    """
    every = [*points, point]
    times, used = zip(*every, strict=True)
    if len(every) < MIN_POINTS or times[-1] - times[0] < MIN_SPAN or used[-1] < used[-2]:
        return None
    count, sum_of_times = len(every), sum(times)
    rise = count * sum(time * each for time, each in every) - sum_of_times * sum(used)
    run = count * sum(time * time for time in times) - sum_of_times**2
    return rise / run if rise > 0 else None
