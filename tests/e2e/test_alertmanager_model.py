"""The model of Alertmanager in `tests/simulation` does what the real one does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.simulation.comparison.compared import Comparison, compared, confirmed
from tests.simulation.comparison.plan import Plan
from tests.simulation.comparison.setup import SETTINGS
from tests.simulation.comparison.sturdy import sturdy_plan

SEQUENCES = 50
SECONDS = 20.0
"""Of each of the two plans. `scripts/bench alertmanager_model` runs more and longer ones."""


def test_the_model_sends_what_the_real_alertmanager_sends(tmp_path: Path) -> None:
    plans = [
        sturdy_plan(SETTINGS, seed, sequences=SEQUENCES, seconds=SECONDS, ends=ends)
        for seed, ends in ((1, 0), (2, 2))
    ]

    def compare(plan: Plan) -> Comparison:
        return compared(tmp_path / plan.sequences[0], SETTINGS, plan)

    with ThreadPoolExecutor() as threads:
        found = list(threads.map(compare, plans))

    wrong = [
        line
        for plan, comparison in zip(plans, found, strict=True)
        for line in confirmed(tmp_path / "again" / plan.sequences[0], SETTINGS, plan, comparison)
    ]
    assert wrong == []
    assert sum(len(each.compared) for each in found) >= SEQUENCES
    assert sum(each.notifications for each in found) >= 2 * SEQUENCES
