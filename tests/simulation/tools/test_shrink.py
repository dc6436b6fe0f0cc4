"""A scenario that breaks a promise is made as small as the promise allows."""

from __future__ import annotations

import math

import pytest
from attrs import evolve

from tests.simulation.kinds import DAY
from tests.simulation.promises.all_promises import judge
from tests.simulation.scenario import Settings
from tests.simulation.tools.broken_on_purpose import BROKEN, BROKEN_AT_THE_END, PROMISE, scenario
from tests.simulation.tools.shrink import LEAD, SHORTEST, SOON, Shrinker, fewer_peers, shrink

pytestmark = pytest.mark.may_block("a step of a world does what peers and threads do elsewhere")


def test_what_does_not_matter_is_left_out() -> None:
    whole = scenario()
    _, (found, *_) = judge(whole, promises=BROKEN)

    small, finding = shrink(whole, found, BROKEN, seconds=60.0)

    assert finding.promise == PROMISE
    assert [fault.kind for fault in small.faults] == ["kill"]
    assert [module.name for module in small.modules] == ["m01"]
    assert [spell.instance for spell in small.modules[0].spells] == ["i0"]
    assert small.modules[0].reports == ()
    assert small.modules[0].fire_after == 1
    assert len(small.peers) == 1
    assert small.settings == evolve(Settings(), heartbeat=small.settings.heartbeat)
    assert small.days * DAY < 3000


def test_a_smaller_scenario_still_breaks_the_promise_when_it_is_run_again() -> None:
    whole = scenario()
    _, (found, *_) = judge(whole, promises=BROKEN)

    small, finding = shrink(whole, found, BROKEN, seconds=1.0)

    assert judge(small, promises=BROKEN)[1] == [finding]


def test_the_faults_of_a_peer_go_with_it() -> None:
    whole = evolve(scenario(), modules=scenario().modules[1:2])
    _, (found, *_) = judge(whole, promises=BROKEN)
    shrinker = Shrinker(whole, found, BROKEN, math.inf)

    fewer_peers(shrinker)

    assert len(shrinker.best.peers) == 1
    targets = {fault.target for fault in shrinker.best.faults}
    assert targets - {"", "m00"} == {*shrinker.best.peers}


def test_what_is_found_at_the_end_only_comes_sooner() -> None:
    whole = evolve(scenario(), days=0.03, modules=scenario().modules[:2])
    _, (found, *_) = judge(whole, promises=BROKEN_AT_THE_END)

    small, finding = shrink(whole, found, BROKEN_AT_THE_END, seconds=60.0)

    assert [fault.kind for fault in small.faults] == ["disk_slow"]
    assert SHORTEST < small.days * DAY <= 2 * LEAD
    assert finding.at == small.start + small.days * DAY


def test_the_search_ends_in_time() -> None:
    whole = scenario()
    _, (found, *_) = judge(whole, promises=BROKEN)

    small, finding = shrink(whole, found, BROKEN, seconds=0.0)

    assert finding == found
    assert small.modules == whole.modules
    assert small.days * DAY == pytest.approx(found.at - whole.start + SOON)
