"""How long things took: cumulative buckets for Prometheus, and the last hundred runs for people."""

from __future__ import annotations

import itertools
from array import array
from bisect import bisect_left
from collections.abc import Iterator

from attrs import define, field, frozen

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of the buckets in seconds; one more takes the rest."""

KEPT = 100
"""So many runs are remembered of each module."""

RESULTS = ("ok", "conditions", "failed", "timeout")


@define
class Histogram:
    """Counts observations, in seconds, by the buckets of `BOUNDS`."""

    total: float = 0.0
    _counts: array[int] = field(factory=lambda: array("Q", bytes(8 * (len(BOUNDS) + 1))))

    def observe(self, seconds: float) -> None:
        """Count one observation."""
        self.total += seconds
        self._counts[bisect_left(BOUNDS, seconds)] += 1

    def cumulative(self) -> list[int]:
        """Return how many observations were at most each bound; the last is their number."""
        return list(itertools.accumulate(self._counts))


@frozen
class Past:
    """One run of the last hundred. `started` are Unix seconds."""

    started: float
    seconds: float
    result: str


@define
class Recent:
    """The last `KEPT` runs of a module, in about a kilobyte."""

    _started: array[float] = field(factory=lambda: array("d"))
    _seconds: array[float] = field(factory=lambda: array("f"))
    _results: bytearray = field(factory=bytearray)
    _oldest: int = 0

    def add(self, started: float, seconds: float, result: str) -> None:
        """Remember a run; the oldest goes when there are too many."""
        code = RESULTS.index(result)
        if len(self._results) < KEPT:
            self._started.append(started)
            self._seconds.append(seconds)
            self._results.append(code)
            return
        at = self._oldest
        self._started[at], self._seconds[at], self._results[at] = started, seconds, code
        self._oldest = (at + 1) % KEPT

    def copy(self) -> Recent:
        """Return what stays as it is now, in a microsecond."""
        return Recent(self._started[:], self._seconds[:], self._results[:], self._oldest)

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[Past]:
        """Yield the runs, the oldest first."""
        count = len(self._results)
        for step in range(count):
            at = (self._oldest + step) % count
            yield Past(self._started[at], self._seconds[at], RESULTS[self._results[at]])
