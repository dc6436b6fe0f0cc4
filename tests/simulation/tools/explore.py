"""Runs the world of a seed. What breaks a promise is made smaller and told as a story."""

from __future__ import annotations

import time
from collections import Counter

from attrs import define, evolve, field, frozen

from tests.simulation.chronicle import Listener
from tests.simulation.events import Event, FaultBegan, Notified
from tests.simulation.generate import scenario as scenario_of
from tests.simulation.kinds import DAY, KINDS, kind_of
from tests.simulation.planted_faults import planted
from tests.simulation.promises.all_promises import PROMISES, Promises, judge
from tests.simulation.promises.finding import Finding
from tests.simulation.scenario import Scenario
from tests.simulation.tools.kept import Kept
from tests.simulation.tools.shrink import ENOUGH_TIME, shrink
from tests.simulation.tools.story import tell


@frozen
class Seed:
    """What a scenario is made from."""

    number: int
    wanted_days: float | None = None
    """How long it lasts. Without it, as long as the worlds of its kind do."""
    modules: int = 0
    """How many there are. With 0, the seed decides."""
    wanted_kind: str = ""
    """Of the host: see `KINDS`. Empty: the seed decides."""
    planted: str = ""
    """The name of a fault to put into the supervisor. Empty for none."""

    @property
    def kind(self) -> str:
        """The kind of the host."""
        return self.wanted_kind or kind_of(self.number, self.wanted_days)

    @property
    def days(self) -> float:
        """How long it lasts."""
        return KINDS[self.kind].days if self.wanted_days is None else self.wanted_days

    @property
    def scenario(self) -> Scenario:
        """The scenario that follows from it."""
        return scenario_of(self.number, self.days, self.modules, self.kind)

    @property
    def arguments(self) -> str:
        """What `scripts/simulate` is given to run it."""
        options = {
            "seed": self.number,
            "days": None if self.wanted_days is None else f"{self.wanted_days:g}",
            "modules": self.modules,
            "kind": self.wanted_kind,
            "planted": self.planted,
        }
        given = (f"--{name} {value}" for name, value in options.items() if value or name == "seed")
        return " ".join(given)


@frozen
class Result:
    """What came of one world."""

    name: str
    """What `scripts/simulate` is given to run it again."""
    seconds: float
    """Of the processor, without the search for a smaller scenario."""
    days: float
    """How long the world lasted."""
    modules: int
    kind: str
    """Of the host. `kept` for that of a file."""
    digest: str
    events: Counter[str]
    faults: Counter[str]
    """By kind."""
    notifications: Counter[str]
    """By what they were for."""
    excused: Counter[str]
    """See `Outcome`."""
    failure: Kept | None = None
    """The smallest scenario found that breaks the same promise, if one was broken."""


def explore(seed: Seed, promises: Promises = PROMISES, seconds: float = ENOUGH_TIME) -> Result:
    """Run the world of a seed. If it breaks a promise, look for `seconds` for a smaller one."""
    with planted(seed.planted):
        result = run(seed.arguments, seed.scenario, promises, seconds)
        return evolve(result, kind=seed.kind)


def run(
    name: str,
    scenario: Scenario,
    promises: Promises = PROMISES,
    seconds: float = ENOUGH_TIME,
    *listeners: Listener,
) -> Result:
    """Run a scenario. See `explore`. The listeners hear what happens in the scenario as it is."""
    began, tally = time.process_time(), Tally(scenario.start)
    outcome, findings = judge(scenario, tally.hear, *listeners, promises=promises)
    taken = time.process_time() - began
    return Result(
        name=name,
        seconds=taken,
        days=(tally.now - scenario.start) / DAY if findings else scenario.days,
        modules=len(scenario.modules),
        kind="kept",
        digest=outcome.digest,
        events=tally.events,
        faults=tally.faults,
        notifications=tally.notifications,
        excused=outcome.excused,
        failure=_failure(scenario, findings[0], promises, seconds) if findings else None,
    )


def _failure(scenario: Scenario, finding: Finding, promises: Promises, seconds: float) -> Kept:
    if seconds:
        scenario, finding = shrink(scenario, finding, promises, seconds)
    return Kept(finding.promise, tuple(tell(scenario, finding, promises)), scenario)


@define(eq=False)
class Tally:
    """Counts what happens."""

    now: float
    """The time of the last event."""
    events: Counter[str] = field(factory=Counter)
    faults: Counter[str] = field(factory=Counter)
    notifications: Counter[str] = field(factory=Counter)

    def hear(self, event: Event) -> None:
        """Count an event."""
        self.now = event.at
        self.events[type(event).__name__] += 1
        if isinstance(event, FaultBegan):
            self.faults[event.kind] += 1
        elif isinstance(event, Notified):
            self.notifications[event.notification.reason.value] += 1
