"""Looks for planted faults in worlds made from seeds, to see how soon a search finds each."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from functools import partial

from attrs import evolve, frozen

from tests.simulation.planted_faults import PROMISE_OF
from tests.simulation.promises.all_promises import judge
from tests.simulation.tools.explore import Result, Seed, explore
from tests.simulation.tools.processes import processes

ROUGH = "rough"
"""The kind of the worlds, if none is asked for."""

LONGEST = 600.0
"""Seconds of the processor after which a search for one fault ends."""

SHRINK_FOR = 15.0
"""Seconds of the processor for the search of a smaller scenario. They are not counted."""


@frozen
class Hunted:
    """What came of the search for one planted fault."""

    planted: str
    worlds: int
    """How many were run."""
    seconds: float
    """Of the processor, until it was found."""
    result: Result | None
    """Of the world that has shown it. None if none has."""

    def lines(self) -> Iterator[str]:
        """Tell it to people."""
        spent = f"{self.worlds} worlds, {self.seconds:.1f} s"
        if self.result is None or self.result.failure is None:
            yield f"{self.planted}: NOT FOUND in {spent}"
            return
        yield f"{self.planted}: found in {spent}, by {self.result.failure.promise}"
        yield from (f"    {line}" for line in self.result.failure.story)
        yield f"    To run it again: scripts/simulate {self.result.name}"


def hunt_all(names: Iterable[str], first: Seed, jobs: int) -> Iterator[Hunted]:
    """Look for each fault of the names, from the first seed on. Yield what was found, in order."""
    with processes(jobs, 1) as pool:
        yield from pool.map(partial(hunt, first), names)


def hunt(first: Seed, planted: str, shrink_for: float = SHRINK_FOR) -> Hunted:
    """Look for one fault, from the first seed on."""
    seconds, kind = 0.0, first.wanted_kind or ROUGH
    for worlds in itertools.count(1):
        number = first.number + worlds - 1
        seed = evolve(first, number=number, wanted_kind=kind, planted=planted)
        result = explore(seed, seconds=0.0)
        seconds += result.seconds
        if _shows(result, planted):
            result = explore(seed, seconds=shrink_for)
            if _is_only_by_the_fault(result):
                return Hunted(planted, worlds, seconds, result)
        if seconds > LONGEST:
            break
    return Hunted(planted, worlds, seconds, None)


def _shows(result: Result, planted: str) -> bool:
    """Return whether the promise that the planted fault breaks was broken."""
    return result.failure is not None and result.failure.promise == PROMISE_OF[planted]


def _is_only_by_the_fault(result: Result) -> bool:
    """Return whether nothing is broken in the same world without the planted fault."""
    return result.failure is not None and not judge(result.failure.scenario)[1]
