"""What befalls the supervisor just when a condition begins."""

from __future__ import annotations

from random import Random

import pytest

from tests.simulation.coincidences import RUNS_SOON, SHORT, coincidences
from tests.simulation.faults import PEER_WEATHER
from tests.simulation.generate import scenario
from tests.simulation.kinds import DAY, KINDS
from tests.simulation.scenario import Fault, ModuleScript, Spell

PEERS = ("http://am-0.example.invalid", "http://am-1.example.invalid")

SPELL = Spell("i1", 10_000.0, 10_900.0)

MODULES = (ModuleScript("m00", every=60.0, spells=(SPELL,)),)

SEEDS = range(60)


def met(seed: int, chance: float = 1.0) -> list[Fault]:
    return [*coincidences(Random(seed), MODULES, PEERS, chance)]


def test_a_condition_meets_a_fault_while_it_is_new() -> None:
    for seed in SEEDS:
        faults = met(seed)

        assert faults
        assert abs(min(fault.at for fault in faults) - SPELL.began) <= RUNS_SOON


def test_without_a_chance_nothing_is_met() -> None:
    assert met(1, chance=0.0) == []


def test_an_outage_lasts_longer_than_the_condition_at_all_peers() -> None:
    outages = [
        fault
        for seed in SEEDS
        for fault in met(seed)
        if fault.kind in PEER_WEATHER and fault.seconds > SHORT[1]
    ]

    assert {fault.target for fault in outages} == {*PEERS}
    for outage in outages:
        assert outage.at <= SPELL.began
        assert outage.at + outage.seconds > SPELL.ended


@pytest.mark.parametrize("kind", KINDS)
def test_no_fault_comes_after_the_end_of_its_world(kind: str) -> None:
    for seed in range(10):
        assert all(fault.at < DAY / 4 for fault in scenario(seed, 0.25, kind=kind).faults)
