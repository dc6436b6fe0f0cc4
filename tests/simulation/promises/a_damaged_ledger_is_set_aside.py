"""Promise 4: a damaged ledger stops nothing. It is set aside, and peers are told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import define, field

from tests.simulation.events import Event, FaultBegan, LifeBegan, LifeEnded, Posted
from tests.simulation.promises.bounds import PROMPT, recovery
from tests.simulation.promises.finding import Finding
from tests.simulation.promises.weather import VANISHED_IS_FOUND, Weather
from tests.simulation.scenario import Scenario


@define(eq=False)
class a_damaged_ledger_is_set_aside:  # noqa: N801 - judges are named as what they judge
    """Follows what is done to the ledger, and what is said of it."""

    scenario: Scenario
    weather: Weather = field(init=False)
    has_cause: bool = False
    """Whether something was done to the ledger since it was sound for the last time."""
    set_aside: int = 0
    vanished_at: float | None = None
    """When a ledger vanished of which peers must hear, since the supervisor runs."""
    heard: set[str] = field(factory=set)
    """The peers that were told in the present life."""

    def __attrs_post_init__(self) -> None:
        self.weather = Weather(self.scenario)

    def hear(self, event: Event) -> Iterable[Finding]:
        """Find a supervisor that does not start, and what is not said of the ledger."""
        self.weather.hear(event)
        match event:
            case FaultBegan(kind="ledger_vanishes"):
                self.has_cause = True
                if self.weather.is_up:
                    self.vanished_at = self.weather.now
                    self.heard.clear()
            case FaultBegan(kind="ledger_is_damaged" | "ledger_comes_back"):
                self.has_cause = True
            case LifeBegan():
                self.vanished_at = None
                self.heard.clear()
            case LifeEnded():
                yield from self._end(event)
            case Posted() if event.alert["labels"]["alertname"] == "LedgerCorrupt":
                self.heard.add(event.peer)
                if not self.has_cause:
                    yield self._finding(event.at, f"{event.peer} was told: {event.alert}")
        if self.vanished_at is not None:
            yield from self._look(event.at, self.vanished_at)

    def at_the_end(self, at: float) -> Iterable[Finding]:
        """Everything was judged before."""
        return ()

    def _finding(self, at: float, what: str) -> Finding:
        return Finding(type(self).__name__, at, what)

    def _end(self, event: LifeEnded) -> Iterator[Finding]:
        if event.how.startswith("refused"):
            yield self._finding(event.at, f"the supervisor does not start: {event.how}")
        set_aside, self.set_aside = self.set_aside, event.set_aside
        if event.set_aside > set_aside and not self.has_cause:
            yield self._finding(event.at, "a ledger was set aside, and nothing was done to it")
        if event.set_aside > set_aside and self.vanished_at is None:
            yield from self._must_be_told(event.at)

    def _must_be_told(self, at: float) -> Iterator[Finding]:
        for peer in self.weather.peers:
            # The life has ended already: so by how long the peer was well in it.
            settled = max(self.weather.trouble_of(peer), self.weather.clock_settled)
            well = self.weather.now - max(settled, self.weather.up_since)
            if well > recovery(self.scenario.settings) + PROMPT and peer not in self.heard:
                yield self._finding(at, f"{peer} was not told that a ledger was set aside")

    def _look(self, at: float, vanished_at: float) -> Iterator[Finding]:
        found = max(vanished_at, self.weather.disk_settled) + VANISHED_IS_FOUND
        needs = recovery(self.scenario.settings) + PROMPT
        if self.weather.now < found + needs:
            return
        late = [p for p in self.weather.peers if self.weather.well_for(p) > needs]
        for peer in late:
            if peer not in self.heard:
                self.heard.add(peer)
                yield self._finding(at, f"{peer} was not told that the ledger has vanished")
        if self.heard >= {*self.weather.peers}:
            self.vanished_at = None
