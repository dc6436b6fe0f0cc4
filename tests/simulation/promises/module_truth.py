"""What the runs of one module have come to, and what they change."""

from __future__ import annotations

from typing import NamedTuple

from attrs import define, field

from tests.simulation.events import RunSeen
from tests.simulation.scenario import ModuleScript


class Name(NamedTuple):
    """What tells an alert from all others."""

    module: str
    instance: str
    """Empty if it says that runs of the module fail."""
    kind: str


@define(eq=False)
class Condition:
    """What the committed runs of a module say of one instance."""

    kind: str = ""
    looks: list[bool] = field(factory=list)
    """Of each run since its last end, or since it was unknown, whether it saw it."""
    missed: int = 0
    fires: bool = False
    is_unknown: bool = False
    """Whether it is not known if it fires. Enough equal runs in a row tell it."""
    is_told: bool = False
    """Whether a run has seen it while it fires and no window holds it."""


@define(eq=False)
class Change:
    """A condition fires, or has ended, from now on."""

    name: Name
    fires: bool
    began: float = 0.0
    """When the run saw it, by the host's clock."""
    is_certain: bool = True
    """Whether it was otherwise before."""


@define(eq=False)
class ModuleTruth:
    """What is known of one module."""

    script: ModuleScript
    conditions: dict[str, Condition] = field(factory=dict)
    failing: Condition = field(factory=lambda: Condition("TE"))
    last: RunSeen | None = None
    """The last run that began."""
    is_held: bool | None = False
    """Whether a window held it when a run was committed last. None: that is not known."""
    is_finished: bool = False
    """Whether that run was shown as finished."""
    committed: int | None = 0
    """The number of the last run that was successful and committed. None: not known."""
    is_in_doubt: bool = False
    """Whether a run was committed or not, and the next run will tell."""
    is_excused: bool = False
    """Whether the ledger may have lost committed runs."""
    crowded: int = 0
    """Runs until other conditions need the places of this module no more."""
    behind: int = 0
    """Runs that began before the last one, and that a slow disk has not taken yet."""
    is_gone: bool = False
    """Whether it is not in the service file."""
    flooded: bool = False
    """Whether it has ever flooded."""
    reports: int = 0
    """How many of its reports are certainly committed."""

    def forget(self) -> None:
        """Know nothing of what fires."""
        for condition in [*self.conditions.values(), self.failing]:
            condition.is_unknown, condition.looks, condition.missed = True, [], 0
        self.committed = None
