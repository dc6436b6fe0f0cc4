"""Judges what systemd is told: that it is ready, reloads and stops, and that its pipeline moves.

The watchdog must be fed in time whatever peers and disk do. It must not be fed while the recorder
or a sender waits for ever. Then systemd ends the process.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from attrs import define

from tests.simulation.events import ClockSet, Event, Fed, LifeBegan, LifeEnded, ServiceRead, Stuck
from tests.simulation.promises.finding import Finding
from tests.simulation.scenario import Scenario

NAME = "systemd_knows_how_it_is"

TOLD_WITHIN = 40.0 + 1.0
"""Seconds after which a sender that does not come round counts as stuck: 30 s, and two requests
of 5 s. Large requests may take longer."""


@define(eq=False)
class SystemdKnows:
    """Follows the words of one life."""

    watchdog: float

    _suspended: float = 0.0
    """Seconds for which systemd's own clock has stood still, too."""

    _fed_at: float = math.inf
    """When it was fed last, in true seconds without those of suspends."""

    _stuck_at: float = math.inf
    _is_ready: bool = False
    _is_reloading: bool = False
    _is_stopping: bool = False

    def hear(self, event: Event) -> Iterable[Finding]:
        """Judge what was told."""
        if isinstance(event, ClockSet):
            self._suspended = event.suspended
        now = event.at - self._suspended
        match event:
            case LifeBegan():
                self._is_ready = self._is_reloading = self._is_stopping = False
                self._fed_at = self._stuck_at = math.inf
            case Stuck():
                self._stuck_at = min(self._stuck_at, now)
            case Fed():
                return [Finding(NAME, event.at, wrong) for wrong in self._told(event.lines, now)]
            case ServiceRead() if not self._is_reloading:
                return [Finding(NAME, event.at, "it reloads, and systemd was not told")]
            case LifeEnded():
                return [Finding(NAME, event.at, wrong) for wrong in self._ended(event, now)]
        return self._look(event.at, now)

    def at_the_end(self, at: float) -> Iterable[Finding]:
        """Look a last time."""
        return self._look(at, at - self._suspended)

    def _told(self, lines: tuple[str, ...], now: float) -> Iterator[str]:
        if "RELOADING=1" in lines:
            if not self._is_ready or self._is_reloading:
                yield "RELOADING=1 before READY=1"
            self._is_reloading = True
        if "READY=1" in lines:
            if self._is_ready and not self._is_reloading:
                yield "READY=1 twice"
            self._is_ready, self._is_reloading = True, False
            self._fed_at = now
        if "STOPPING=1" in lines:
            if self._is_stopping:
                yield "STOPPING=1 twice"
            self._is_stopping = True
        if "WATCHDOG=1" in lines:
            if now > self._stuck_at + TOLD_WITHIN:
                yield f"WATCHDOG=1 although it is stuck for {now - self._stuck_at:.0f} s"
            self._fed_at = now

    def _ended(self, end: LifeEnded, now: float) -> Iterator[str]:
        if end.how == "watchdog" and math.isinf(self._stuck_at):
            yield "the watchdog has ended it, and nothing was stuck"
        if end.how == "stopped" and not (self._is_ready and self._is_stopping):
            yield "it has run and stopped, and systemd was not told"
        if end.how == "forced" and self._is_ready and not self._is_stopping:
            yield "it was told to stop, and systemd was not told that it does"
        self._fed_at = self._stuck_at = math.inf

    def _look(self, at: float, now: float) -> Iterable[Finding]:
        late = now - self._fed_at - self.watchdog
        if late > 1.0 and not self._is_stopping and self._stuck_at > now:
            self._fed_at = math.inf
            return [Finding(NAME, at, f"WATCHDOG=1 is {late:.0f} s late")]
        if late > 1.0 and self._stuck_at <= now and not self._is_stopping:
            self._fed_at = math.inf
            return [Finding(NAME, at, "systemd has not ended what was stuck")]
        return ()


def systemd_knows_how_it_is(scenario: Scenario) -> SystemdKnows:
    """Return the judge for a scenario."""
    return SystemdKnows(scenario.settings.watchdog)
