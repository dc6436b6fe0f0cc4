"""The judges of what peers are told find faults that are planted, and nothing without them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from tests.simulation.planted_faults import planted
from tests.simulation.promises.all_promises import judge
from tests.simulation.scenario import Fault, ModuleScript, Scenario, Settings, Spell

PEERS = ("http://am-0.example.invalid", "http://am-1.example.invalid")

SAME_FILE = 4.0
"""An amount with which a reload changes nothing."""


def spell(began: float, ended: float, instance: str = "i1") -> Spell:
    return Spell(instance, began, ended)


def world(
    spells: Iterable[Spell],
    faults: Iterable[Fault],
    *others: ModuleScript,
    fire_after: int = 1,
    max_ledger: int = 64 * 1024 * 1024,
) -> Scenario:
    module = ModuleScript("m00", every=30.0, fire_after=fire_after, spells=tuple(spells))
    return Scenario(
        seed=1,
        days=7200.0 / 86400.0,
        start=1_750_000_000.0,
        settings=Settings(max_ledger=max_ledger),
        modules=(module, *others),
        peers=PEERS,
        faults=tuple(sorted(faults, key=lambda fault: fault.at)),
    )


WORLDS: Mapping[str, tuple[Scenario, str]] = {
    "fire_after_is_lost_at_a_reload": (
        world(
            [spell(began, began + 65.0) for began in (1000.0, 2000.0, 3000.0, 4000.0)],
            [
                Fault(began + later, "reload", amount=SAME_FILE)
                for began in (1000.0, 2000.0, 3000.0, 4000.0)
                for later in (20.0, 40.0)
            ],
            fire_after=2,
        ),
        "what_was_seen_is_not_lost",
    ),
    "published_before_committed": (
        world(
            [spell(began, began + 300.0) for began in range(600, 7000, 600)],
            [Fault(610.0 + 600.0 * number, "cut") for number in range(10)],
        ),
        "what_was_seen_is_not_lost",
    ),
    "resolved_before_min_visible": (
        world(
            [spell(1000.0, 1200.0)],
            [Fault(900.0, "peer_refused", peer, seconds=600.0) for peer in PEERS],
        ),
        "the_end_is_told",
    ),
    "back_off_is_not_reset": (
        world(
            [spell(100.0, 7000.0)],
            [
                Fault(1000.0, "peer_refused", PEERS[0], seconds=900.0),
                *(
                    Fault(2000.0 + 500.0 * number, "peer_refused", PEERS[0], seconds=100.0)
                    for number in range(8)
                ),
            ],
        ),
        "a_peer_is_tried_again_in_time",
    ),
    "reload_sends_all_again": (
        world(
            [spell(100.0, 7000.0)],
            [Fault(1010.0 + 507.0 * number, "reload", amount=SAME_FILE) for number in range(3)],
        ),
        "nothing_is_sent_needlessly",
    ),
    "eviction_in_the_wrong_order": (
        world(
            [
                *(spell(100.0 + 600.0 * n, 400.0 + 600.0 * n, f"i{n % 3}") for n in range(4)),
                spell(100.0, 7000.0, "i9"),
            ],
            [Fault(1000.0, "check_floods", "m01", seconds=300.0)],
            ModuleScript("m01", every=60.0),
            max_ledger=256 * 1024,
        ),
        "the_ledger_is_bounded_and_a_bad_disk_stops_nothing",
    ),
}
"""A world in which each fault shows, and the promise that it breaks."""


@pytest.mark.parametrize("fault", WORLDS)
def test_a_planted_fault_is_found_and_without_it_nothing_is(fault: str) -> None:
    scenario, promise = WORLDS[fault]
    _, without = judge(scenario)
    with planted(fault):
        _, found = judge(scenario)

    assert without == []
    assert promise in {finding.promise for finding in found}
