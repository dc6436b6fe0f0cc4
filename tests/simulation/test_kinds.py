"""The kinds of hosts, and which of them a seed stands for."""

from __future__ import annotations

import pytest

from tests.simulation.generate import UNSEEN, scenario
from tests.simulation.kinds import KINDS, SHORTEST_CALM, kind_of

SEEDS = range(60)


def test_a_seed_stands_for_each_kind_that_is_not_only_asked_for() -> None:
    found = {kind_of(seed, None) for seed in SEEDS}

    assert found == {name for name, kind in KINDS.items() if not kind.is_asked_for}


def test_no_short_world_is_calm() -> None:
    assert "calm" not in {kind_of(seed, SHORTEST_CALM / 2) for seed in SEEDS}


@pytest.mark.parametrize("seed", range(5))
def test_tasks_look_seldom_only_where_there_is_nothing_to_find(seed: int) -> None:
    for name, kind in KINDS.items():
        made = scenario(seed, 30.0, kind=name)

        is_rare = made.settings.look_interval == kind.rare_looks
        assert is_rare == all(fault.kind in UNSEEN for fault in made.faults)
        assert is_rare or name != "calm"
