"""Runs world after world in several processes, each with a new seed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

from tests.simulation.tools.explore import Result, Seed, explore
from tests.simulation.tools.processes import processes
from tests.simulation.tools.totals import Totals

NEWS = 60.0
"""Seconds between two lines that tell how far it is."""

WORLDS_OF_A_PROCESS = 50
"""After so many, a process is replaced."""


def soak(
    seeds: Iterator[Seed],
    jobs: int,
    until: float,
    found: Callable[[Result], None],
    file: Path | None = None,
) -> Totals:
    """Run the worlds of the seeds until they or the time (`time.monotonic()`) are over.

    With a file, the totals in it are added to, after each world.
    """
    totals = Totals() if file is None else Totals.read(file)
    waiting = set[Future[Result]]()
    news = time.monotonic() + NEWS
    with processes(jobs, WORLDS_OF_A_PROCESS) as pool:
        while True:
            while len(waiting) < 2 * jobs and time.monotonic() < until:
                if (seed := next(seeds, None)) is None:
                    break
                waiting.add(pool.submit(explore, seed))
            if not waiting:
                return totals
            done, waiting = wait(waiting, timeout=NEWS, return_when=FIRST_COMPLETED)
            for future in done:
                result = future.result()
                totals.add(result)
                if file is not None:
                    totals.write(file)
                if result.failure is not None:
                    found(result)
            if time.monotonic() > news:
                news = time.monotonic() + NEWS
                sums = totals.all
                print(
                    f"{sums.worlds} worlds, {sums.years:.2f} host-years,"
                    f" {len(totals.failures)} broken promises",
                    file=sys.stderr,
                    flush=True,
                )
