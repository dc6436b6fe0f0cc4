"""The last hundred runs of a module, for people."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from attrs import define, field, frozen

KEPT = 100
"""Runs that are remembered of each module, at most."""

RESULTS = ("ok", "conditions", "failed", "timeout")
"""Every result of a run; its position stands for it in memory."""


@frozen
class PastRun:
    """One of the last runs."""

    started: float
    """Unix seconds."""
    seconds: float
    """How long it took."""
    result: str


@define
class RecentRuns:
    """The last `KEPT` runs of a module, in about a kilobyte."""

    _started: array[float] = field(factory=lambda: array("d"))
    _seconds: array[float] = field(factory=lambda: array("f"))
    _results: bytearray = field(factory=bytearray)
    _oldest: int = 0
    """Position of the oldest run. New runs take its place when there are `KEPT`."""

    def add(self, started: float, seconds: float, result: str) -> None:
        """Remember a run; forget the oldest one when there are too many."""
        code = RESULTS.index(result)
        if len(self._results) < KEPT:
            self._started.append(started)
            self._seconds.append(seconds)
            self._results.append(code)
            return
        at = self._oldest
        self._started[at], self._seconds[at], self._results[at] = started, seconds, code
        self._oldest = (at + 1) % KEPT

    def copy(self) -> RecentRuns:
        """Return a copy, which takes a microsecond."""
        return RecentRuns(self._started[:], self._seconds[:], self._results[:], self._oldest)

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[PastRun]:
        """Yield the runs, the oldest first."""
        count = len(self._results)
        for step in range(count):
            at = (self._oldest + step) % count
            yield PastRun(self._started[at], self._seconds[at], RESULTS[self._results[at]])
