"""Kills a supervisor again and again, before three bad peers, and counts what was lost.

`scripts/bench chaos [--rounds N] [--seed S] [--keep DIR]`: forty modules fire, clear and report by
a script; the supervisor is ended by `kill -9` at random moments, most of them while it writes; the
peers answer slowly, too late, wrongly or not at all. When all is calm again, each peer's history
is compared with the script. Exit code 1 with the evidence if anything was lost.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import trio

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from tests.chaos.storm import Outcome, Storm

MOST_FINDINGS = 20


def report(outcome: Outcome, seconds: float) -> int:
    """Print the table and the evidence; return the exit code."""
    verdict = outcome.verdict
    rows = {
        "kill -9": outcome.kills,
        "  that left a torn transaction in the WAL": outcome.torn,
        "seconds": round(seconds),
        **{f"runs {name.replace('_', ' ')}": count for name, count in outcome.runs.items()},
        **dict(verdict.counts),
        **{f"answered: {name}": count for name, count in sorted(outcome.answers.items())},
        "lost, invented or out of order": len(verdict.findings),
    }
    for name, count in rows.items():
        print(f"{name:<44} {count:>8}")
    kinds = Counter(finding.kind for finding in verdict.findings)
    for kind, count in kinds.most_common():
        print(f"  {kind:<42} {count:>8}")
    for finding in verdict.findings[:MOST_FINDINGS]:
        print(finding)
    return 1 if verdict.findings else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="kills (default 20)")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep logs, ledger and histories here"
    )
    options = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as scratch:
        directory = options.keep or Path(scratch)
        directory.mkdir(parents=True, exist_ok=True)
        outcome = trio.run(Storm(directory, options.rounds, options.seed).run)
    sys.exit(report(outcome, time.monotonic() - begun))


if __name__ == "__main__":
    main()
