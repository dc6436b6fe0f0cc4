"""Kills a supervisor, three Alertmanagers in a cluster and an SMTP sink, and counts the mails.

`scripts/bench cluster_chaos [--rounds N] [--seed S] [--keep DIR]`: each round is one fault. Every
event must have a mail. Every further mail must have one of three reasons: a peer was killed soon
after it had notified, the sink was killed after DATA, or two peers wrote at once in an outage,
before the gossip told them. Exits with 1 and prints the evidence if not.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from benchmarks.rig.attack import attack, print_counts
from tests.chaos.cluster_storm import ClusterStorm, Outcome


def report(outcome: Outcome, seconds: float) -> int:
    """Print the counts and the evidence; return the exit code."""
    found = outcome.count
    counts = {
        **dict(sorted(outcome.done.items())),
        "seconds": round(seconds),
        "events": found.events,
        "mails": found.mails,
        **{f"further mails: {reason}": number for reason, number in found.duplicates.items()},
        "further mails without a reason": len(found.unexplained),
        "events without a mail": len(found.lost),
        "promises broken by the ledger or process": len(outcome.broken),
    }
    print_counts(counts, width=60)
    wrong = (*found.lost, *found.unexplained, *outcome.broken)
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(attack(__doc__, ClusterStorm, report, rounds="faults"))
