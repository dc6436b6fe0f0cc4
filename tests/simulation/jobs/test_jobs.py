"""Jobs in the simulation: they change no other world, and their worlds have one trace, too."""

from __future__ import annotations

from random import Random

import pytest
from attrs import evolve

from tests.simulation.generate import scenario
from tests.simulation.jobs.events import JobActed, JobsSeen
from tests.simulation.jobs.plan import PACES, changed, jobs_and_kills
from tests.simulation.jobs.script import Jobs
from tests.simulation.jobs.worlds import END, JOB, WORLDS
from tests.simulation.kinds import KINDS
from tests.simulation.simulation import simulate

SEED_WITH_JOBS = next(seed for seed in range(100) if scenario(seed, 0.25, kind="rough").jobs)


def test_each_kind_of_hosts_has_jobs_at_times() -> None:
    for kind in KINDS:
        made = [
            jobs_and_kills(Random(seed), kind, "Europe/Vienna", start=1.7e9, seconds=86400.0)
            for seed in range(30)
        ]
        assert {jobs is None for jobs, _ in made} == {True, False}
        assert all(jobs is not None or not kills for jobs, kills in made)
    assert PACES.keys() == KINDS.keys()


def test_acts_come_in_the_order_of_time() -> None:
    jobs = scenario(SEED_WITH_JOBS, 0.25, kind="rough").jobs

    assert jobs is not None
    assert [act.at for act in jobs.acts] == sorted(act.at for act in jobs.acts)


def test_a_reload_changes_the_module_of_jobs_at_times() -> None:
    jobs = Jobs(30.0, (JOB,), (END,))

    assert {changed(jobs, float(number)) for number in range(20)} == {
        jobs,
        evolve(jobs, every=60.0),
        evolve(jobs, enabled=False),
    }
    assert changed(None, 1.0) is None


@pytest.mark.may_block("a step of a world does what peers and threads do elsewhere")
def test_a_world_with_jobs_always_has_the_same_trace() -> None:
    world = scenario(SEED_WITH_JOBS, 0.1, kind="rough")

    assert simulate(world) == simulate(world)


@pytest.mark.may_block("a step of a world does what peers and threads do elsewhere")
def test_a_report_makes_the_module_run_at_once() -> None:
    acted, seen = [], []

    def hear(event: object) -> None:
        if isinstance(event, JobActed):
            acted.append(event.at)
        elif isinstance(event, JobsSeen):
            seen.append(event.at)

    simulate(WORLDS["a_signal_is_a_success"], hear)

    assert len(acted) == 2
    assert {*acted} <= {*seen}
