"""Kills the supervisor while jobs report, and counts what was lost or counted twice.

It prints no ratio: other programs have no such reports.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.chaos.job_storm import WRITERS, Storm


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--reports", type=int, default=250, help=f"of each of {WRITERS} jobs")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with TemporaryDirectory() as directory:
        storm = Storm(
            Path(directory), kills=options.kills, reports=options.reports, seed=options.seed
        )
        outcome = storm.run()
    print(
        f"{outcome.kills} kills, {outcome.told.total()} reports of ends, {outcome.counted.total()}"
    )
    print("\n".join(outcome.wrong) or "nothing was lost or counted twice, and nothing fires")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
