"""What many worlds come to, and how it is said in a few lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from attrs import define, field

from tests.simulation.tools.explore import Result

YEAR = 365.25
"""Days."""


@define(eq=False)
class Totals:
    """Sums of all results so far."""

    worlds: int = 0
    days: float = 0.0
    """Simulated, of all hosts together."""
    seconds: float = 0.0
    """Of the processor."""
    module_days: float = 0.0
    """Simulated days of all modules together."""
    events: Counter[str] = field(factory=Counter)
    faults: Counter[str] = field(factory=Counter)
    excused: Counter[str] = field(factory=Counter)
    failures: list[Result] = field(factory=list)

    def add(self, result: Result) -> None:
        """Add a result."""
        self.worlds += 1
        self.days += result.days
        self.seconds += result.seconds
        self.module_days += result.days * result.modules
        self.events += result.events
        self.faults += result.faults
        self.excused += result.excused
        if result.failure is not None:
            self.failures.append(result)

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
        yield "broken promises", f"{len(self.failures):,}"
        yield "simulated days per CPU second", f"{self.speed:,.3g}"

    def lines(self) -> Iterator[str]:
        """Yield all as text."""
        for name, value in self.figures():
            yield f"{value:>14}  {name}"
        for title, counter in (
            ("Faults by kind", self.faults),
            ("Excused, by reason", self.excused),
        ):
            if counter:
                yield f"{title}:"
            yield from (f"{count:>14,}  {name}" for name, count in counter.most_common())
