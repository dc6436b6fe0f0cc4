"""The real check `jobs`, and what the judges hear of its runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import trio
from attrs import define

from checks import jobs
from supervisor.api import Condition, Context, Measurement, Observation
from supervisor.modules.loader import Check
from tests.simulation.chronicle import Chronicle
from tests.simulation.jobs.events import JobsBegan, JobsSeen
from tests.simulation.jobs.script import MODULE
from tests.simulation.virtual_time import TrueTime


@define(eq=False)
class JobsCheck:
    """Runs of the present life."""

    true: TrueTime
    chronicle: Chronicle
    is_dead: Callable[[], bool]
    life: Callable[[], int]

    @property
    def check(self) -> Check:
        """What the supervisor finds by the name of the check."""
        return Check(MODULE, jobs.Params, self.run, watch=jobs.watch)

    async def run(self, context: Context, params: jobs.Params) -> Iterable[Observation]:
        """Run the real check, and tell what it returns."""
        if self.is_dead():
            await trio.sleep_forever()
        life = self.life()
        self.chronicle.tell(JobsBegan(life, self.true.now(), context.clock()))
        found = [*await jobs.run(context, params)]
        if not self.is_dead() and life == self.life():
            self.chronicle.tell(
                JobsSeen(
                    life=life,
                    at=self.true.now(),
                    successes=_counts(found, "job_successes"),
                    failures=_counts(found, "job_failures"),
                    conditions=tuple(sorted(_conditions(found))),
                )
            )
        return found


def _counts(found: Iterable[Observation], name: str) -> dict[str, int]:
    return {
        seen.labels["job"]: int(seen.value)
        for seen in found
        if isinstance(seen, Measurement) and seen.name == name
    }


def _conditions(found: Iterable[Observation]) -> Iterable[tuple[str, str]]:
    return ((seen.alertname, seen.instance) for seen in found if isinstance(seen, Condition))
