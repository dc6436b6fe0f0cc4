"""A promise that does not hold, and a scenario that breaks it: for the tests of these tools."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from attrs import define

from tests.simulation.events import Event, FaultBegan, LifeBegan, RunSeen
from tests.simulation.kinds import DAY
from tests.simulation.promises.all_promises import Promises
from tests.simulation.promises.finding import Finding
from tests.simulation.scenario import Fault, ModuleScript, Scenario, Settings, Spell

PROMISE = "nothing_is_wrong_after_a_restart"

HOUR = DAY / 24

PEERS = ("http://am-0.example.invalid", "http://am-1.example.invalid")


@define(eq=False)
class NothingIsWrongAfterARestart:
    """It needs two lives, the module m01, and its instance i0 that is wrong."""

    scenario: Scenario
    lives: int = 0

    def hear(self, event: Event) -> Iterable[Finding]:
        """Complain about what a run of m01 sees after a restart."""
        if isinstance(event, LifeBegan):
            self.lives += 1
        is_wrong = isinstance(event, RunSeen) and event.module == "m01" and "i0" in event.conditions
        if is_wrong and self.lives > 1:
            yield Finding(PROMISE, event.at, "m01 sees i0 in a life that is not the first")

    def at_the_end(self, at: float) -> Iterable[Finding]:
        """Find nothing more."""
        return ()


@define(eq=False)
class HasAFaultAtAll:
    """It complains at the end only."""

    scenario: Scenario
    began: int = 0

    def hear(self, event: Event) -> Iterable[Finding]:
        """Count faults of one kind."""
        self.began += isinstance(event, FaultBegan) and event.kind == "disk_slow"
        return ()

    def at_the_end(self, at: float) -> Iterable[Finding]:
        """Complain if there was one."""
        if self.began:
            yield Finding("the_disk_is_never_slow", at, f"the disk was slow {self.began} times")


@define(eq=False)
class Buggy:
    """A judge with a bug."""

    scenario: Scenario

    def hear(self, event: Event) -> Iterable[Finding]:
        """Raise an exception within a run of a check."""
        if isinstance(event, RunSeen):
            raise ZeroDivisionError("the judge has a bug")
        return ()

    def at_the_end(self, at: float) -> Iterable[Finding]:
        """Find nothing."""
        return ()


BROKEN: Promises = MappingProxyType({PROMISE: NothingIsWrongAfterARestart})
BROKEN_AT_THE_END: Promises = MappingProxyType({"the_disk_is_never_slow": HasAFaultAtAll})
BUGGY: Promises = MappingProxyType({"buggy": Buggy})

_FAULTS = (
    Fault(300.0, "peer_503", PEERS[0], 60.0, 1.0),
    Fault(500.0, "disk_slow", "", 60.0, 0.2),
    Fault(800.0, "check_crashes", "m00", 200.0),
    Fault(2000.0, "kill", "", 30.0, 40.0),
    Fault(2200.0, "peer_hangs", PEERS[1], 300.0),
    Fault(2600.0, "clock_step", "", 30.0, 2.0),
    Fault(3000.0, "disk_slow", "", 60.0, 2.0),
)


def scenario() -> Scenario:
    """Return a scenario in which much happens, and little of it matters."""
    return Scenario(
        seed=1,
        days=1.5 * HOUR / DAY,
        start=1_750_000_000.0,
        settings=Settings(timezone="Europe/Vienna", resend_interval=300.0, heartbeat=False),
        modules=tuple(
            ModuleScript(
                name=f"m0{number}",
                every=300.0,
                fire_after=number + 1,
                spells=(
                    Spell("i0", 600.0, 1200.0),
                    Spell("i0", 3400.0, 5000.0),
                    Spell("i1", 100.0, 2500.0, "W"),
                ),
                reports=(1000.0, 3200.0),
            )
            for number in range(3)
        ),
        peers=PEERS,
        faults=_FAULTS,
    )
