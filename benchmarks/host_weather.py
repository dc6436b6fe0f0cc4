"""Lets bad weather come over the host of a supervisor, and tells what holds in it.

`scripts/bench host_weather [--rounds N] [--seed S] [--keep DIR]`: first each weather alone, such as
a disk that hangs, a log that is not read or a clock that is set. Then N pairs of them at the same
time. The table has what was measured, in seconds. Exits with 1 if a promise was broken.
"""

from __future__ import annotations

import sys
from pathlib import Path

from attrs import frozen

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from benchmarks.rig.attack import attack
from tests.host_weather.season import Result, endure, pairs
from tests.host_weather.switches import compile_shim
from tests.host_weather.table import WEATHERS

AT_ONCE = 4
"""Supervisors at the same time."""

COLUMNS = ("lag", "arrival", "status", "after", "stop")
"""Seconds: of a late run; until what is new is at the healthy peer, `status` answers, all that is
owed is delivered after the weather, and SIGTERM has ended the process.
"""


@frozen
class Season:
    """All weathers, and `rounds` pairs that the `seed` chooses."""

    directory: Path
    rounds: int
    seed: int

    async def run(self) -> list[Result]:
        """Let them come."""
        alone = list(WEATHERS.values())
        weathers = [*alone, *pairs(alone, self.seed, self.rounds)]
        return await endure(weathers, compile_shim(self.directory), self.directory, AT_ONCE)


def report(results: list[Result], seconds: float) -> int:
    """Print the table; return the exit code."""
    width = max(len(result.weather.name) for result in results)
    print(f"{'weather':<{width}}", *(f"{column:>7}" for column in COLUMNS), " verdict")
    for result in results:
        seen = result.seen
        arrival = seen.arrival if result.weather.promise.arrives_in is not None else None
        figures = (max(0.0, seen.lag), arrival, seen.answer, seen.catch_up, seen.stop)
        shown = ("      -" if value is None else f"{value:7.2f}" for value in figures)
        verdict = "; ".join(result.faults) or "holds"
        print(f"{result.weather.name:<{width}}", *shown, f" {verdict}")
    broken = sum(bool(result.faults) for result in results)
    print(f"{len(results)} weathers, {broken} in which a promise was broken, {seconds:.0f} s")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(attack(__doc__, Season, report, rounds="pairs"))
