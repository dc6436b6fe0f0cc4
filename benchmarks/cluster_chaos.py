"""Kills a supervisor, three Alertmanagers in a cluster and an SMTP sink, and counts the mails.

`scripts/bench cluster_chaos [--rounds N] [--seed S] [--keep DIR]`: each round is one fault. Every
event must have a mail; every further mail must be owed to a peer that was killed soon after it
had notified, to a sink that was killed after DATA, or to the gossip delay, when an outage made two
peers write at once. Exit code 1 with the evidence if not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import trio

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from tests.chaos.cluster_storm import ClusterStorm, Outcome


def report(outcome: Outcome, seconds: float) -> int:
    """Print the table and the evidence; return the exit code."""
    found = outcome.count
    rows = {
        **dict(sorted(outcome.done.items())),
        "seconds": round(seconds),
        "events": found.events,
        "mails": found.mails,
        **{f"further mails: {reason}": number for reason, number in found.duplicates.items()},
        "further mails without a reason": len(found.unexplained),
        "events without a mail": len(found.lost),
        "promises broken by the ledger or process": len(outcome.broken),
    }
    for name, number in rows.items():
        print(f"{name:<60} {number:>8}")
    wrong = (*found.lost, *found.unexplained, *outcome.broken)
    for line in wrong:
        print(line)
    return 1 if wrong else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="faults (default 20)")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep logs and ledger here")
    options = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as scratch:
        directory = options.keep or Path(scratch)
        directory.mkdir(parents=True, exist_ok=True)
        outcome = trio.run(ClusterStorm(directory, options.rounds, options.seed).run)
    sys.exit(report(outcome, time.monotonic() - begun))


if __name__ == "__main__":
    main()
