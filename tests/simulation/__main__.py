"""Simulates hosts: `scripts/simulate`, which fixes PYTHONHASHSEED, so that a seed has one trace.

Without --hours or --hosts it runs the world of one seed, or of a file that --keep wrote. It ends
with exit code 1 if a promise was broken, after it has told how. With --planted all it looks for
each planted fault, and ends with exit code 1 if one is not found.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import secrets
import sys
import time
from pathlib import Path

from tests.simulation.kinds import KINDS
from tests.simulation.planted_faults import PLANTED, planted
from tests.simulation.promises.all_promises import PROMISES
from tests.simulation.tools.explore import Result, Seed, run
from tests.simulation.tools.hunt import hunt_all
from tests.simulation.tools.kept import SEEDS, read
from tests.simulation.tools.report import write_report
from tests.simulation.tools.shrink import ENOUGH_TIME
from tests.simulation.tools.soak import soak
from tests.simulation.tools.totals import Totals

NEW_SEEDS = 10**9
"""The seeds that are chosen by chance are smaller."""

ALL = "all"
"""The name that stands for all planted faults."""


def main() -> int:
    """Run what the command line asks for. Return the exit code."""
    options = _options()
    first = secrets.randbelow(NEW_SEEDS) if options.seed is None else options.seed
    if options.planted == ALL:
        return _hunt(Seed(first, options.days, options.modules, options.kind), options.jobs)
    if options.hours is not None or options.hosts is not None:
        hosts = itertools.count() if options.hosts is None else range(options.hosts)
        seeds = (
            Seed(first + number, options.days, options.modules, options.kind, options.planted)
            for number in hosts
        )
        until = math.inf if options.hours is None else time.monotonic() + options.hours * 3600
        totals = soak(seeds, options.jobs, until, _show_failure, options.totals)
    else:
        result = _one(options, first)
        totals = Totals()
        totals.add(result)
        print(f"{result.name}: digest {result.digest}")
        if result.failure is not None:
            _show_failure(result)
            if options.keep:
                _keep(result, options.keep)
    print(*totals.lines(), sep="\n")
    if options.report is not None:
        write_report(totals, options.report)
    return 1 if totals.failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "scripts/simulate", description=(__doc__ or "").replace("\n", " ")
    )
    parser.add_argument("file", nargs="?", type=Path, help="a file of tests/simulation/seeds")
    parser.add_argument("--seed", type=int, help="the first seed; one by chance if not given")
    parser.add_argument(
        "--days", type=float, help="of each world; as long as worlds of its kind are if not given"
    )
    parser.add_argument(
        "--kind", choices=KINDS, default="", help="of the hosts; the seed decides if not given"
    )
    parser.add_argument(
        "--modules", type=int, default=0, help="of each host; the seed decides if not given"
    )
    parser.add_argument("--hosts", type=int, help="run this many worlds, one seed after the other")
    parser.add_argument("--hours", type=float, help="begin new worlds for so long")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="processes (default: one for each core)"
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="write the totals, as HTML if it ends in .html"
    )
    parser.add_argument(
        "--totals", type=Path, metavar="FILE", help="add to what an earlier soak wrote there"
    )
    parser.add_argument(
        "--keep", metavar="NAME", help="keep a scenario that breaks a promise for the tests"
    )
    parser.add_argument(
        "--as-it-is", action="store_true", help="do not look for a smaller scenario"
    )
    parser.add_argument(
        "--planted",
        choices=[*PLANTED, ALL],
        default="",
        help="put a fault into the supervisor before; all: look for each, one after the other",
    )
    parser.add_argument("--trace", action="store_true", help="print each event of one world")
    return parser.parse_args()


def _one(options: argparse.Namespace, seed: int) -> Result:
    seconds = 0.0 if options.as_it_is else ENOUGH_TIME
    made = Seed(seed, options.days, options.modules, options.kind, options.planted)
    name, scenario = made.arguments, made.scenario
    if options.file is not None:
        name, scenario = str(options.file), read(options.file).scenario
    with planted(options.planted):
        return run(name, scenario, PROMISES, seconds, *([print] if options.trace else []))


def _hunt(first: Seed, jobs: int) -> int:
    missed = 0
    for hunted in hunt_all(PLANTED, first, jobs):
        print(*hunted.lines(), sep="\n", flush=True)
        missed += hunted.result is None
    return 1 if missed else 0


def _show_failure(result: Result) -> None:
    assert result.failure is not None
    print(f"\nBROKEN: {result.failure.promise}", *result.failure.story, sep="\n")
    print(f"To run it again: scripts/simulate {result.name}")
    print(f"To keep it for the tests: scripts/simulate {result.name} --keep WHAT_WAS_WRONG\n")
    sys.stdout.flush()


def _keep(result: Result, name: str) -> None:
    assert result.failure is not None
    SEEDS.mkdir(exist_ok=True)
    path = SEEDS / f"{name}.json"
    result.failure.write(path)
    print(f"kept as {path}")


if __name__ == "__main__":
    sys.exit(main())
