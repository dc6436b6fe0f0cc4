"""The check that all modules of a simulated host run: it sees what the scenario says."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import trio
from attrs import define, field

from supervisor.api import Condition, Context, Limit, Observation, Report
from supervisor.modules.loader import Check
from tests.simulation.chronicle import Chronicle
from tests.simulation.events import RunEnded, RunSeen
from tests.simulation.jobs.check import JobsCheck
from tests.simulation.jobs.script import MODULE
from tests.simulation.scenario import BAND, BAND_OF_E, ModuleScript
from tests.simulation.virtual_time import TrueTime

FLOOD = 1500
"""Conditions of a run that floods. A module may have 1000."""

STUBBORN_FOR = 90.0
"""Seconds for which a stubborn run goes on, whoever cancels it."""

LIMIT = Limit((("W", 80), ("E", 95)), clear=75)
"""The limit of each value."""

VALUES = {"W": 85, "E": 96, BAND: 78, BAND_OF_E: 92}
"""The value that a spell of each kind has."""

CONDITION = "Scripted"
REPORT = "Scripted report"


@define(eq=False)
class ScriptedCheck:
    """Runs of the present life. `weather` says which modules' runs go wrong, and how."""

    true: TrueTime
    chronicle: Chronicle
    is_dead: Callable[[], bool]
    life: Callable[[], int]
    weather: dict[str, str] = field(factory=dict)
    runs: int = 0
    _stubborn: set[trio.CancelScope] = field(factory=set)

    def find(self, name: str) -> Check:
        """Return the check of a name: this one, or the real one of jobs."""
        if name == MODULE:
            return JobsCheck(self.true, self.chronicle, self.is_dead, self.life).check
        return Check(name, ModuleScript, self.run)

    def die(self) -> None:
        """Let the runs that nothing ends end with their process."""
        for scope in self._stubborn:
            scope.shield = False

    async def run(self, context: Context, params: ModuleScript) -> Iterable[Observation]:
        """Return what is wrong now."""
        if self.is_dead():
            await trio.sleep_forever()
        outcome = self.weather.get(params.name, "ok")
        now = self.true.elapsed
        seen = {
            spell.instance: (spell.event_type, f"{spell.instance} since {spell.began:.0f}")
            for spell in params.spells
            if spell.began <= now < spell.ended
        }
        told = int(str(context.state.get("told", 0)))
        happened = sum(moment <= now for moment in params.reports)
        reports = tuple(f"{params.name}-{index}" for index in range(told, happened))
        self.runs += 1
        number = self.runs
        self.chronicle.tell(
            RunSeen(
                module=params.name,
                life=self.life(),
                number=number,
                after=int(str(context.state.get("number", 0))),
                at=self.true.now(),
                clock=context.clock(),
                conditions=seen,
                reports=reports,
                outcome=outcome,
            )
        )
        context.state.update(number=number, told=happened)
        found: list[Observation] = [
            *(
                crossing.condition(CONDITION, name, text)
                for name, (kind, text) in seen.items()
                if (crossing := LIMIT.above(VALUES[kind], "")) is not None
            ),
            *(Report(REPORT, token) for token in reports),
        ]
        life = self.life()
        try:
            return await self._as(outcome, params, found)
        finally:
            if not self.is_dead() and life == self.life():
                now, clock = self.true.now(), context.clock()
                self.chronicle.tell(RunEnded(params.name, life, now, clock))

    async def _as(
        self, outcome: str, params: ModuleScript, found: list[Observation]
    ) -> Iterable[Observation]:
        match outcome:
            case "hang":
                await trio.sleep_forever()
            case "stubborn":
                with trio.CancelScope(shield=True) as scope:
                    self._stubborn.add(scope)
                    try:
                        await trio.sleep(STUBBORN_FOR)
                    finally:
                        self._stubborn.discard(scope)
            case "crash":
                raise ValueError("the check has a bug")
            case "slow":
                await trio.sleep(0.8 * params.timeout)
            case "flood":
                found += [
                    Condition("Flood", "W", f"flood-{n:04}", "too many") for n in range(FLOOD)
                ]
            case "wrong":
                return "this is not a list"  # type: ignore[return-value]  # that is the fault
        return found
