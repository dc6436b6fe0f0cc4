"""Sums over worlds: how much was simulated, and what happened in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Self

from attrs import define, field

from tests.simulation.tools.explore import Result

YEAR = 365.25
"""Days."""


@define(eq=False)
class Sums:
    """Of all results so far."""

    worlds: int = 0
    days: float = 0.0
    """Simulated, of all hosts together."""
    seconds: float = 0.0
    """Of the processor."""
    module_days: float = 0.0
    """Simulated days of all modules together."""
    broken: int = 0
    """Worlds that broke a promise."""
    events: Counter[str] = field(factory=Counter)
    faults: Counter[str] = field(factory=Counter)
    notifications: Counter[str] = field(factory=Counter)
    """By what they were for."""
    excused: Counter[str] = field(factory=Counter)

    @classmethod
    def of(cls, parts: Iterable[Self]) -> Self:
        """Return what the parts come to."""
        whole = cls()
        for part in parts:
            whole.worlds += part.worlds
            whole.days += part.days
            whole.seconds += part.seconds
            whole.module_days += part.module_days
            whole.broken += part.broken
            whole.events += part.events
            whole.faults += part.faults
            whole.notifications += part.notifications
            whole.excused += part.excused
        return whole

    def add(self, result: Result) -> None:
        """Add a result."""
        self.worlds += 1
        self.days += result.days
        self.seconds += result.seconds
        self.module_days += result.days * result.modules
        self.broken += result.failure is not None
        self.events += result.events
        self.faults += result.faults
        self.notifications += result.notifications
        self.excused += result.excused

    @property
    def years(self) -> float:
        """Host-years."""
        return self.days / YEAR

    @property
    def speed(self) -> float:
        """Simulated days per second of the processor."""
        return self.days / self.seconds if self.seconds else 0.0

    def figures(self) -> Iterator[tuple[str, str]]:
        """Yield what is known, and how much it is."""
        yield "host-years simulated", f"{self.years:,.3g}"
        yield "worlds", f"{self.worlds:,}"
        yield "module-years", f"{self.module_days / YEAR:,.3g}"
        yield "lives of the supervisor", f"{self.events['LifeBegan']:,}"
        yield "runs", f"{self.events['RunSeen']:,}"
        yield "alerts sent to peers", f"{self.events['Posted']:,}"
        yield "notifications", f"{self.events['Notified']:,}"
        yield "findings excused by a named reason", f"{self.excused.total():,}"
        yield "faults", f"{self.faults.total():,}"
        yield "broken promises", f"{self.broken:,}"
        yield "simulated days per CPU second", f"{self.speed:,.3g}"
