"""Does the model of Alertmanager that the simulation uses do what the real one does?

`scripts/bench alertmanager_model [--seconds N] [--seed S] [--sequences N] [--keep DIR]`: random
sequences of posts, silences and restarts go to the model and to real Alertmanagers, round after
round until the time is over. A round without a restart and one with three run at the same time.
Exits with 1 and prints the steps and the differences if a sequence differs twice.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from benchmarks.rig.attack import print_counts
from tests.simulation.comparison.compared import compared, confirmed
from tests.simulation.comparison.setup import SETTINGS
from tests.simulation.comparison.sturdy import sturdy_plan

ROUND = 45.0
"""Seconds of a round: longer than the real one leaves empty groups alone."""

RESTARTS = (0, 3)
"""Of the plans of a round."""


def run_plan(directory: Path, seed: int, sequences: int, ends: int) -> Counter[str]:
    """Compare one plan, and print what differs."""
    plan = sturdy_plan(SETTINGS, seed, sequences=sequences, seconds=ROUND, ends=ends)
    found = compared(directory / str(seed), SETTINGS, plan)
    wrong = confirmed(directory / f"{seed}-again", SETTINGS, plan, found)
    for step in plan.only([line.partition(":")[0] for line in wrong]).steps if wrong else ():
        print(f"{step.at:6.2f} {step.seq} {step.what}")
    for line in wrong:
        print(line)
    return Counter(
        {
            "sequences that were compared": len(found.compared),
            "sequences of which a step fell together with a tick": len(found.left_out),
            "notifications": found.notifications,
            "sequences that differed once": len(found.differences),
            "differences that stood": len(wrong),
        }
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, metavar="N", help="default 120")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("--sequences", type=int, default=80, metavar="N", help="of a plan")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep logs and state here")
    options = parser.parse_args()
    total: Counter[str] = Counter()
    seed, end = options.seed, time.monotonic() + options.seconds
    with tempfile.TemporaryDirectory(prefix="alertmanager-") as scratch:
        directory = options.keep or Path(scratch)
        while time.monotonic() < end:
            seeds = [seed * 1000 + number for number in range(len(RESTARTS))]
            with ThreadPoolExecutor() as threads:
                for counts in threads.map(
                    run_plan,
                    [directory] * len(seeds),
                    seeds,
                    [options.sequences] * len(seeds),
                    RESTARTS,
                ):
                    total.update(counts)
            seed += 1
    print_counts(total, width=54)
    return 1 if total["differences that stood"] else 0


if __name__ == "__main__":
    sys.exit(main())
