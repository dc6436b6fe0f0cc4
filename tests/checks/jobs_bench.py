"""A real spool of jobs, and the check `jobs` that reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import evolve

from checks.jobs import Job, Params, run
from supervisor.api import Condition, Context, Measurement
from supervisor.jobs import spool as writer
from tests.support.check_context import context


class Jobs:
    """The check with its state, as the supervisor keeps it."""

    def __init__(self, directory: Path, *jobs: Job) -> None:
        self.spool = str(directory / "spool")
        self.params = Params(jobs, spool=self.spool)
        self.context: Context = context()

    async def look(self, *, saved: bool = True) -> list[Condition]:
        """Run the check once. Give the conditions."""
        self.context = evolve(
            self.context, state=dict(self.context.state), is_on_disk=lambda _: saved
        )
        found = [*await run(self.context, self.params)]
        self.figures = {
            (each.name, each.labels.get("job")): each.value
            for each in found
            if isinstance(each, Measurement)
        }
        return [each for each in found if isinstance(each, Condition)]

    def tell(self, event: str, **more: Any) -> Path:
        return Path(writer.write(self.spool, writer.report("a", event, **more)))
