"""Judges the log: no traceback of the supervisor's own, and no line again and again."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field

from tests.simulation.events import Event, Logged
from tests.simulation.promises.finding import Finding
from tests.simulation.scenario import Scenario

NAME = "nothing_unexpected_is_logged"

MINUTE = 60.0

AT_MOST = 10
"""Times in a minute that the same may be said."""


@define(eq=False)
class NothingUnexpectedIsLogged:
    """Counts what is said in a minute."""

    _since: float = 0.0
    _said: dict[str, int] = field(factory=dict)

    def hear(self, event: Event) -> Iterable[Finding]:
        """Judge a line of the log."""
        if not isinstance(event, Logged):
            return
        if event.traceback:
            yield Finding(NAME, event.at, f"a traceback of {event.traceback}: {event.text}")
        if event.at - self._since > MINUTE:
            self._since, self._said = event.at, {}
        self._said[event.text] = count = self._said.get(event.text, 0) + 1
        if count == AT_MOST + 1:
            yield Finding(NAME, event.at, f"more than {AT_MOST} times in a minute: {event.text}")

    def at_the_end(self, at: float) -> Iterable[Finding]:
        """Return nothing."""
        return ()


def nothing_unexpected_is_logged(_scenario: Scenario) -> NothingUnexpectedIsLogged:
    """Return the judge for a scenario."""
    return NothingUnexpectedIsLogged()
