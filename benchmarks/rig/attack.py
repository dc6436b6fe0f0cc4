"""The command line of a long attack, and its run. `chaos` and `cluster_chaos` use it."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

import trio

OutcomeT = TypeVar("OutcomeT")
OutcomeCoT = TypeVar("OutcomeCoT", covariant=True)


class Storm(Protocol[OutcomeCoT]):
    """Many faults, one after another."""

    async def run(self) -> OutcomeCoT: ...


def attack(
    description: str | None,
    storm: Callable[[Path, int, int], Storm[OutcomeT]],
    report: Callable[[OutcomeT, float], int],
    *,
    rounds: str,
) -> int:
    """Run a storm as the command line asks for; return the exit code.

    `storm` is given a directory, the number of rounds and the seed. `report` is given the outcome
    and how many seconds it took. `rounds` tells what a round is.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--rounds", type=int, default=20, metavar="N", help=f"{rounds} (default 20)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep logs and ledger here")
    options = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as scratch:
        directory = options.keep or Path(scratch)
        directory.mkdir(parents=True, exist_ok=True)
        outcome = trio.run(storm(directory, options.rounds, options.seed).run)
    return report(outcome, time.monotonic() - begun)


def print_counts(counts: Mapping[str, int], width: int) -> None:
    """Print one count on each line, after its name."""
    for name, count in counts.items():
        print(f"{name:<{width}} {count:>8}")
