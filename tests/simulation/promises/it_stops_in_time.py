"""Judges whether the supervisor stops in time, and at once if nothing runs.

Exempt: a run that ignores its cancellation, and a disk that is not well, may use all of
`stop_grace`. What a disk does not take is owed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from attrs import define, field

from tests.simulation.events import Event, FaultBegan, Fed, LifeBegan, LifeEnded, RunEnded, RunSeen
from tests.simulation.promises.finding import Finding
from tests.simulation.scenario import Scenario

NAME = "it_stops_in_time"

STOP_GRACE = 10.0
"""Seconds that the service file allows."""

AT_ONCE = 0.1
"""Seconds that a stop may take if nothing runs."""

DISK_FAULTS = ("disk_refuses", "disk_slow", "disk_hangs")

UNTIL_WELL = 120.0
"""Seconds after a fault of the disk in which it still does what waits."""

STUCK = ("recorder_sticks", "sender_sticks")
"""Faults after which only systemd ends the process."""


@define(eq=False)
class StopsInTime:
    """Measures each stop."""

    _running: dict[str, str] = field(factory=dict)
    """What runs, and what becomes of the run."""

    _at_stop: dict[str, str] | None = None
    """What ran at the time of SIGTERM."""

    _disk_ill_until: float = -math.inf
    _is_stuck: bool = False

    def hear(self, event: Event) -> Iterable[Finding]:
        """Judge the end of a life."""
        match event:
            case RunSeen():
                self._running[event.module] = event.outcome
            case RunEnded():
                self._running.pop(event.module, None)
            case LifeBegan():
                self._running, self._at_stop, self._is_stuck = {}, None, False
            case FaultBegan() if event.kind in DISK_FAULTS:
                until = event.at + event.seconds + UNTIL_WELL
                self._disk_ill_until = max(self._disk_ill_until, until)
            case FaultBegan() if event.kind in STUCK:
                self._is_stuck = True
            case Fed() if "STOPPING=1" in event.lines:
                self._at_stop = dict(self._running)
            case LifeEnded() if event.how in ("stopped", "forced") and not self._is_stuck:
                return [Finding(NAME, event.at, wrong) for wrong in self._wrong(event)]
        return ()

    def at_the_end(self, at: float) -> Iterable[Finding]:
        """Return nothing: a world may end while the supervisor stops."""
        return ()

    def _wrong(self, end: LifeEnded) -> Iterable[str]:
        is_well = end.at > self._disk_ill_until
        if self._at_stop is None:
            yield "it ended without a word"
            return
        limit = AT_ONCE
        if self._at_stop:
            limit = STOP_GRACE / 2 + AT_ONCE
        if "stubborn" in self._at_stop.values() or not is_well:
            limit = STOP_GRACE
        if end.seconds > limit:
            yield f"it took {end.seconds:.3f} s to stop; {limit:.1f} s are allowed"
        if end.unsaved and is_well and end.how == "stopped":
            yield "it has stopped, and not everything is on the disk, which is well"


def it_stops_in_time(_scenario: Scenario) -> StopsInTime:
    """Return the judge for a scenario."""
    return StopsInTime()
