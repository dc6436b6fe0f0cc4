"""Each planted fault is found in a small world, and without it nothing is found there.

`scripts/simulate --planted NAME` looks for one of them in worlds made from seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from attrs import evolve

from tests.simulation.jobs.worlds import WORLDS as WORLDS_WITH_JOBS
from tests.simulation.kinds import DAY
from tests.simulation.planted_faults import PLANTED, PROMISE_OF, planted
from tests.simulation.promises.all_promises import judge
from tests.simulation.scenario import (
    BAND,
    Fault,
    LastResort,
    ModuleScript,
    Planned,
    Scenario,
    Settings,
    Spell,
)

PEERS = ("http://am-0.example.invalid", "http://am-1.example.invalid")

SAME_FILE = 4.0
"""An amount with which a reload changes nothing."""

START = 1_750_000_000.0
"""15:06:40 UTC on a day in June."""

MODULE = ModuleScript("m00", every=30.0)

WINDOW = Planned("reboot", ("15:10-15:20",), settle=200.0)

IN_VIENNA = Settings(timezone="Europe/Vienna")
ONE_BY_ONE = Settings(heartbeat=False, max_batch=1)
SMALL_LEDGER = Settings(max_ledger=256 * 1024)


def spell(began: float, ended: float, instance: str = "i1") -> Spell:
    return Spell(instance, began, ended)


def world(
    seconds: float,
    faults: Iterable[Fault],
    *modules: ModuleScript,
    spells: Iterable[Spell] = (),
    settings: Settings | None = None,
) -> Scenario:
    return Scenario(
        seed=1,
        days=seconds / DAY,
        start=START,
        settings=Settings() if settings is None else settings,
        modules=modules or (evolve(MODULE, spells=tuple(spells)),),
        peers=PEERS,
        faults=tuple(sorted(faults, key=lambda fault: fault.at)),
    )


def planned(*faults: Fault, ended: float = 7000.0, reports: tuple[float, ...] = ()) -> Scenario:
    """Return a world with a window from 200 s to 800 s, and a condition that begins in it."""
    module = evolve(MODULE, spells=(spell(400.0, ended),), reports=reports)
    return evolve(world(1500.0, faults, module), maintenance=(WINDOW,))


def both_refuse(at: float, seconds: float) -> list[Fault]:
    return [Fault(at, "peer_refused", peer, seconds=seconds) for peer in PEERS]


def unheard(*faults: Fault, seconds: float = 3000.0, after: float = 120.0) -> Scenario:
    """Return a world with a last resort. From 900 s on no peer takes anything for 2400 s."""
    outage = both_refuse(900.0, 2400.0)
    whole = world(seconds, [*outage, *faults], spells=[spell(950.0, 9000.0)])
    return evolve(whole, last_resort=LastResort(("mail",), after=after, every=900.0))


WORLDS: Mapping[str, Scenario] = {
    "a_band_lets_something_fire": world(1500.0, [], spells=[Spell("i1", 600.0, 900.0, BAND)]),
    "some_of_the_last_runs_are_runs_in_a_row": world(
        3000.0,
        [],
        evolve(
            MODULE,
            fire_after=2,
            of_last=4,
            clear_after=30,
            spells=(spell(600.0, 625.0), spell(660.0, 685.0)),
        ),
    ),
    "fire_after_is_lost_at_a_reload": world(
        1500.0,
        [Fault(1000.0 + later, "reload", amount=SAME_FILE) for later in (20.0, 40.0)],
        evolve(MODULE, fire_after=2, spells=(spell(1000.0, 1065.0),)),
    ),
    "published_before_committed": world(
        1000.0, [Fault(610.0, "cut")], spells=[spell(600.0, 900.0)]
    ),
    "lost_cursor_is_ignored": world(
        3000.0,
        [*both_refuse(900.0, 1000.0), Fault(1300.0, "kill", seconds=1.0, amount=1.0)],
        spells=[spell(1000.0, 1400.0)],
    ),
    "resolved_before_min_visible": world(
        2400.0, both_refuse(900.0, 600.0), spells=[spell(1000.0, 1200.0)]
    ),
    "back_off_is_not_reset": world(
        2400.0,
        [
            Fault(at, "peer_refused", PEERS[0], seconds=seconds)
            for at, seconds in ((500.0, 900.0), (1500.0, 100.0), (2000.0, 100.0))
        ],
        spells=[spell(100.0, 7000.0)],
    ),
    "queue_starves": world(
        2000.0,
        [Fault(1003.0, "peer_500", PEERS[0], seconds=30.0)],
        spells=[
            *(spell(70.0, 7000.0, name) for name in ("i1", "i2")),
            spell(1000.0, 7000.0, "i3"),
        ],
        settings=ONE_BY_ONE,
    ),
    "reload_sends_all_again": world(
        1500.0, [Fault(1010.0, "reload", amount=SAME_FILE)], spells=[spell(100.0, 7000.0)]
    ),
    "eviction_in_the_wrong_order": world(
        1200.0,
        [Fault(1000.0, "check_floods", "m01", seconds=100.0)],
        evolve(
            MODULE,
            spells=(
                *(spell(100.0 + 600.0 * n, 400.0 + 600.0 * n, f"i{n}") for n in range(2)),
                spell(100.0, 7000.0, "i9"),
            ),
        ),
        ModuleScript("m01", every=60.0),
        settings=SMALL_LEDGER,
    ),
    "summer_time_is_off_by_one_hour": world(
        1800.0, [], ModuleScript("m00", at=("17:30",)), settings=IN_VIENNA
    ),
    "missed_time_runs_twice": world(
        1800.0, [Fault(1600.0, "kill", seconds=1.0)], ModuleScript("m00", at=("15:30",))
    ),
    "one_run_at_a_time": world(
        600.0,
        [Fault(300.0, "check_hangs", "m00", seconds=100.0)],
        MODULE,
        ModuleScript("m01", every=30.0),
    ),
    "skipped_times_are_not_counted": world(
        800.0,
        [
            Fault(300.0, "check_is_stubborn", "m00", seconds=100.0),
            Fault(700.0, "terminate", seconds=1.0),
        ],
    ),
    "watchdog_is_fed_blindly": world(2400.0, [Fault(600.0, "recorder_sticks")]),
    "watchdog_wants_peers": world(
        2400.0, both_refuse(300.0, 2000.0), spells=[spell(100.0, 7000.0)]
    ),
    "what_begins_in_a_window_is_told": planned(),
    "a_start_forgets_windows": planned(Fault(600.0, "kill", seconds=1.0, amount=1.0)),
    "a_held_start_is_replaced": planned(),
    "nothing_settles": planned(),
    "what_came_and_went_is_told": planned(ended=600.0),
    "reports_are_not_held": planned(reports=(500.0,)),
    "a_window_holds_for_ever": planned(),
    **WORLDS_WITH_JOBS,
    "digests_come_too_often": unheard(),
    "one_digest_is_all": unheard(),
    "each_try_has_a_new_identity": unheard(
        Fault(950.0, "channel_loses_answers", "mail", seconds=600.0)
    ),
    "a_start_forgets_what_was_told": unheard(Fault(1500.0, "kill", seconds=1.0, amount=1.0)),
    "a_start_begins_the_outage_again": unheard(
        *(Fault(at, "kill", seconds=1.0, amount=1.0) for at in (1300.0, 1700.0, 2100.0)),
        after=600.0,
    ),
    "one_peer_that_fails_is_enough": evolve(
        unheard(), faults=(Fault(900.0, "peer_refused", PEERS[0], seconds=2000.0),)
    ),
    "what_was_notified_is_owed": evolve(
        unheard(),
        modules=(evolve(MODULE, spells=(spell(100.0, 9000.0), spell(950.0, 9000.0, "i2"))),),
    ),
    "the_end_is_told_again_and_again": unheard(seconds=4000.0),
    "the_end_is_not_told": unheard(seconds=4000.0),
    "a_clock_that_is_set_moves_nothing": unheard(Fault(1500.0, "suspend", seconds=3600.0)),
    "ledger_stays_open": world(600.0, [Fault(300.0, "terminate", seconds=1.0)]),
}
"""A world in which each fault breaks its promise."""


def test_each_planted_fault_has_a_world() -> None:
    assert WORLDS.keys() == PLANTED.keys()


@pytest.mark.may_block("a step of a world does what peers and threads do elsewhere")
@pytest.mark.parametrize("fault", WORLDS)
def test_a_planted_fault_is_found_and_without_it_nothing_is(fault: str) -> None:
    scenario = WORLDS[fault]
    _, without = judge(scenario)
    with planted(fault):
        _, found = judge(scenario)

    assert without == []
    assert PROMISE_OF[fault] in {finding.promise for finding in found}
