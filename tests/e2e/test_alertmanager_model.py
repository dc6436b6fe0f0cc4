"""The model of Alertmanager in `tests/simulation` does what the real one does."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from attrs import frozen

from tests.simulation.comparison.cluster_run import cluster_differences
from tests.simulation.comparison.compared import Comparison, compared, confirmed
from tests.simulation.comparison.plan import Plan
from tests.simulation.comparison.setup import SETTINGS
from tests.simulation.comparison.sturdy import sturdy_plan
from tests.support.alertmanager_version import alertmanager_version

pytestmark = [
    pytest.mark.skipif(
        alertmanager_version() > (0, 28),
        reason="the model does what Alertmanager 0.25 to 0.28 does; 0.33 sends some groups later",
    ),
    pytest.mark.timeout(1200),  # it computes for 30 s, which a busy machine makes ten times as much
]

SEQUENCES = 50
SECONDS = 20.0
"""Of each of the two plans. `scripts/bench alertmanager_model` runs more and longer ones."""


@frozen
class Found:
    """What comes of the runs, which take place at the same time."""

    plans: list[Plan]
    comparisons: list[Future[Comparison]]
    cluster: Future[list[str]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    directory = tmp_path_factory.mktemp("model")
    with ThreadPoolExecutor() as threads:
        cluster = threads.submit(cluster_differences, directory)
        plans = [
            sturdy_plan(SETTINGS, seed, sequences=SEQUENCES, seconds=SECONDS, ends=ends)
            for seed, ends in ((1, 0), (2, 2))
        ]
        comparisons = [
            threads.submit(compared, directory / f"plan-{number}", SETTINGS, plan)
            for number, plan in enumerate(plans)
        ]
    return Found(plans, comparisons, cluster)


def test_the_model_sends_what_the_real_one_sends(found: Found, tmp_path: Path) -> None:
    wrong = [
        line
        for number, plan in enumerate(found.plans)
        for line in confirmed(
            tmp_path / f"{number}", SETTINGS, plan, found.comparisons[number].result()
        )
    ]
    assert wrong == []
    assert sum(len(each.result().compared) for each in found.comparisons) >= SEQUENCES // 2
    assert sum(each.result().notifications for each in found.comparisons) >= SEQUENCES


def test_a_cluster_of_the_model_sends_what_a_real_one_sends(found: Found, tmp_path: Path) -> None:
    assert found.cluster.result() == [] or cluster_differences(tmp_path) == []
