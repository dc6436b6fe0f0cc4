"""How long runs took, in cumulative buckets for Prometheus."""

from __future__ import annotations

import itertools
from array import array
from bisect import bisect_left

from attrs import define, field

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of the buckets in seconds. One more bucket takes longer runs."""


@define
class Histogram:
    """Counts durations in seconds, in the buckets of `BOUNDS`."""

    total: float = 0.0
    """The sum of all durations."""
    _counts: array[int] = field(factory=lambda: array("Q", bytes(8 * (len(BOUNDS) + 1))))

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self.total += seconds
        self._counts[bisect_left(BOUNDS, seconds)] += 1

    def cumulative(self) -> list[int]:
        """Return for each bound how many durations it covers; the last number is that of all."""
        return list(itertools.accumulate(self._counts))
