"""Kills a supervisor again and again, before three bad peers, and counts what was lost.

`scripts/bench chaos [--rounds N] [--seed S] [--keep DIR]`: a script makes forty modules fire, clear
and report. `kill -9` ends the supervisor at random moments, most of them while it writes. The peers
answer slowly, too late, wrongly or not at all. When all is calm again, the history of each peer is
compared with the script. Exits with 1 and prints the evidence if anything was lost.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from benchmarks.rig.attack import attack, print_counts
from tests.chaos.storm import Outcome, Storm

MAX_FINDINGS = 20
"""Findings that are printed, at most."""


def report(outcome: Outcome, seconds: float) -> int:
    """Print the counts and the evidence; return the exit code."""
    verdict = outcome.verdict
    counts = {
        "kill -9": outcome.kills,
        "  that left a torn transaction in the WAL": outcome.torn,
        "seconds": round(seconds),
        **{f"runs {name.replace('_', ' ')}": count for name, count in outcome.runs.items()},
        **dict(verdict.counts),
        **{f"answered: {name}": count for name, count in sorted(outcome.answers.items())},
        "lost, invented or out of order": len(verdict.findings),
    }
    kinds = Counter(f"  {finding.kind}" for finding in verdict.findings)
    print_counts(counts | dict(kinds.most_common()), width=44)
    for finding in verdict.findings[:MAX_FINDINGS]:
        print(finding)
    return 1 if verdict.findings else 0


if __name__ == "__main__":
    sys.exit(attack(__doc__, Storm, report, rounds="kills"))
