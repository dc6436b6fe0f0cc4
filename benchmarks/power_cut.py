"""Cuts the power of a recorded supervisor at random operations, and counts what was lost.

`scripts/bench power_cut [--cuts N] [--seconds S] [--seed N]`: a preloaded library records what a
supervisor does to its disk, and what it tells. Then the disk is rebuilt as each cut may leave it:
what was synced, and any sectors and names of the rest. The supervisor's own code starts on it.
After one cut in a hundred a whole process does, and its power is cut as well. Exits with 1 and
prints the evidence if anything is missing that was told, or is there and was not seen.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parent.parent))  # the project is run from its directory
from benchmarks.rig.attack import print_counts
from tests.power_cut.recording import Recorder, Recording
from tests.power_cut.replay import Outcome, cuts, replay, scratch
from tests.power_cut.restart import restart
from tests.power_cut.seen import Seen
from tests.power_cut.trace import Printed, Written

CUTS_PER_RESTART = 100
"""One process is started for so many cuts."""

MAX_FINDINGS = 20
"""Findings that are printed, at most."""


def main() -> int:
    """Record, cut, and print what came of it; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=1000, metavar="N", help="default 1000")
    parser.add_argument(
        "--seconds", type=float, default=20.0, metavar="S", help="of recording (default 20)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    options = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="power-cut-") as name, scratch() as place:
        lives = [options.seconds / 2, options.seconds / 4, options.seconds / 4]
        recorder = Recorder(Path(name), options.seed)
        recording = recorder.record(lives, until_checkpoint=True)
        outcome = attack(recording, place, options.cuts, Random(options.seed))
    print_counts(counted(recording, outcome, time.monotonic() - begun), width=44)
    for fault in outcome.faults[:MAX_FINDINGS]:
        print(fault)
    return 1 if outcome.faults else 0


def attack(recording: Recording, place: Path, number: int, random: Random) -> Outcome:
    """Cut the power so many times: some cuts during the first start, some during later ones."""
    starting = next(
        index for index, done in enumerate(recording.operations) if isinstance(done, Printed)
    )
    restarts = max(1, number // CUTS_PER_RESTART)
    outcome = Outcome()
    for operations, share in (
        (recording.operations, number * 8 // 10),
        (recording.operations[:starting], number // 10),
    ):
        some = cuts(recording.before, operations, Seen(), share, random)
        outcome.add(replay(recording, some, place))
    some = cuts(recording.before, recording.operations, Seen(), restarts, random)
    each = max(1, number // 10 // restarts)
    outcome.add(restart(recording, some, place, number=each, random=random))
    return outcome


def counted(recording: Recording, outcome: Outcome, seconds: float) -> Mapping[str, int]:
    """Return what is printed: counts by their names."""
    kinds = Counter(type(done).__name__ for done in recording.operations)
    heard = Seen()
    for done in recording.operations:
        if isinstance(done, Printed):
            heard.hear(done.data)
    written = sum(len(done.data) for done in recording.operations if isinstance(done, Written))
    return {
        "seconds": round(seconds),
        "operations recorded": len(recording.operations),
        **{f"  {name}": count for name, count in kinds.most_common()},
        "bytes written": written,
        "runs logged": heard.finished.total(),
        "events logged": sum(events.total() for events in heard.events.values()),
        "alerts that peers accepted": sum(
            len(posts) for taken in recording.taken.values() for posts in taken.values()
        ),
        "cuts": outcome.cuts,
        "bytes rebuilt": outcome.bytes,
        "lost, invented or damaged": len(outcome.faults),
        **Counter(f"  {fault.what.partition(':')[0]}" for fault in outcome.faults),
    }


if __name__ == "__main__":
    sys.exit(main())
