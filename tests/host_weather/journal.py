"""How late the runs of the scripted modules were, by what they wrote themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path

from attrs import frozen

from tests.host_weather.service import EVERY, MODULES


@frozen
class Moment:
    """When a module ran, or its process ended."""

    pid: int
    """The process."""

    at: float
    """Seconds of the monotonic clock."""

    waited: float
    """Seconds for which the event loop's thread had waited for a processor until then."""


def lag(directory: Path, ends: Mapping[int, Moment]) -> float:
    """Return by how many seconds a run came late at most. `ends` has the end of each process.

    The time for which the loop had no processor does not count: a busy machine is not a fault.
    """
    return max(
        (
            later.at - earlier.at - (later.waited - earlier.waited) - EVERY
            for path in directory.glob("*.journal")
            for runs in _by_process(path)
            for earlier, later in pairwise([*runs, ends[runs[0].pid]])
        ),
        default=0.0,
    )


def count(directory: Path, pid: int) -> int:
    """Return the fewest runs that a module has had in this process."""
    return min(
        sum(run.pid == pid for run in _read(directory / f"{module}.journal")) for module in MODULES
    )


def _by_process(path: Path) -> Iterable[list[Moment]]:
    lives: dict[int, list[Moment]] = {}
    for moment in _read(path):
        lives.setdefault(moment.pid, []).append(moment)
    return lives.values()


def _read(path: Path) -> list[Moment]:
    if not path.exists():
        return []  # the module has not run yet
    return [Moment(**json.loads(line)) for line in path.read_text(encoding="ascii").splitlines()]
