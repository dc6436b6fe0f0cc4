"""A check that returns as many observations as its parameters say.

Service files name it by its dotted path, `benchmarks.rig.talker`.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen

from supervisor.api import Condition, Context, Observation, Report


@frozen
class Params:
    """What each run returns."""

    conditions: int = field(default=0, metadata={"help": "how many, with different instances"})
    reports: int = field(default=0, metadata={"help": "how many, in each run"})
    flapping: bool = field(
        default=False, metadata={"help": "return the conditions in every second run only"}
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
