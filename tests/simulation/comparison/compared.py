"""The comparison of a whole plan."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from tests.simulation.alertmanager.settings import Settings
from tests.simulation.comparison.difference import differences
from tests.simulation.comparison.plan import Plan
from tests.simulation.comparison.real import Run, real_run
from tests.simulation.comparison.replay import replayed
from tests.simulation.comparison.sturdy import RUN_SHAKES, is_sturdy

JITTER = 0.05
"""Seconds by which a program on a busy machine may be late."""


@frozen
class Comparison:
    """What came of a plan."""

    compared: tuple[str, ...]
    """Sequences that were sturdy at the times at which the real one was called."""
    left_out: tuple[str, ...]
    notifications: int
    differences: dict[str, list[str]]
    """Sequences that differ, and how."""


def compared(directory: Path, settings: Settings, plan: Plan) -> Comparison:
    """Run a plan in both."""
    with real_run(directory, settings) as run:
        run.run(plan)
    sturdy = [seq for seq in plan.sequences if _is_sturdy(settings, run, seq)]
    found = {seq: _differences(settings, run, seq) for seq in sturdy}
    return Comparison(
        compared=tuple(sturdy),
        left_out=tuple(seq for seq in plan.sequences if seq not in sturdy),
        notifications=sum(len(run.outcome(seq).seen) for seq in sturdy),
        differences={seq: lines for seq, lines in found.items() if lines},
    )


def confirmed(directory: Path, settings: Settings, plan: Plan, first: Comparison) -> list[str]:
    """Run the sequences that differed once more; return what differs in both runs.

    A program that the system stopped for a moment differs once. A model that is wrong differs
    each time.
    """
    if not first.differences:
        return []
    again = compared(directory, settings, plan.only(first.differences))
    return [f"{seq}: {line}" for seq, lines in again.differences.items() for line in lines]


def _is_sturdy(settings: Settings, run: Run, seq: str) -> bool:
    steps = run.steps_of(seq)
    return is_sturdy(settings, run.base, steps, run.until, by=JITTER, shakes=RUN_SHAKES)


def _differences(settings: Settings, run: Run, seq: str) -> list[str]:
    model = replayed(settings, run.base, run.steps_of(seq), run.until)
    return list(differences(model, run.outcome(seq), run.until))
