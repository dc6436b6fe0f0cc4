"""A world with jobs for each fault that is planted in how they are followed."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import evolve

from tests.simulation.jobs.script import Act, Jobs, ScriptedJob
from tests.simulation.kinds import DAY
from tests.simulation.scenario import Fault, ModuleScript, Scenario, Settings

JOB = ScriptedJob("job-0", every=600.0, grace=300.0)
"""It is missing 900 s after its last success."""

END = Act(100.0, JOB.name, "end", "ab12")
"""A success in time."""


def _world(*acts: Act, faults: tuple[Fault, ...] = (), seconds: float = 800.0) -> Scenario:
    return Scenario(
        seed=1,
        days=seconds / DAY,
        start=1_750_000_000.0,
        settings=Settings(),
        modules=(ModuleScript("m00", every=300.0),),
        peers=("http://am-0.example.invalid",),
        faults=faults,
        jobs=Jobs(30.0, (JOB,), (Act(90.0, JOB.name, "start", "ab12"), *acts)),
    )


WORLDS: Mapping[str, Scenario] = MappingProxyType(
    {
        "a_report_is_removed_when_it_is_read": _world(
            END, faults=(Fault(99.0, "cut", seconds=1.0),)
        ),
        "a_start_forgets_what_was_taken": _world(
            END, faults=(Fault(100.5, "kill", seconds=1.0, amount=1.0),)
        ),
        "a_copy_counts": _world(END, evolve(END, at=400.0, kind="again")),
        "a_signal_is_a_success": _world(evolve(END, signal=9)),
        "a_killed_wrapper_is_not_noticed": _world(evolve(END, kind="killed")),
        "a_start_forgives_what_is_due": _world(
            END, faults=(Fault(500.0, "kill", seconds=1.0, amount=1.0),), seconds=1200.0
        ),
        "grace_is_not_given": _world(END),
        "times_stay_when_the_clock_is_set": _world(
            END, faults=(Fault(300.0, "clock_step", amount=3600.0),), seconds=960.0
        ),
    }
)
"""By the name of the fault."""
