"""A check that says as much as it is told to; named by its dotted path, `benchmarks.rig.talker`."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen

from supervisor.api import Condition, Context, Observation, Report


@frozen
class Params:
    """What each run says."""

    conditions: int = field(default=0, metadata={"help": "so many, with instances of their own"})
    reports: int = field(default=0, metadata={"help": "so many, each time"})
    flapping: bool = field(
        default=False, metadata={"help": "the conditions are there in every second run alone"}
    )


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return the conditions and reports."""
    conditions = params.conditions
    if params.flapping:
        context.state["said"] = not context.state.get("said")
        conditions *= bool(context.state["said"])
    return [
        *(
            Condition("Talker", "W", f"{context.module}-{number}", "this is said by a benchmark")
            for number in range(conditions)
        ),
        *(Report("Talker report", "this is said once") for _ in range(params.reports)),
    ]
