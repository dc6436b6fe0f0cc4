"""Limits of time that a busy machine does not reach sooner.

A limit by the clock on the wall fails a test when other programs take the processors. These limits
count only seconds in which no task waited for a processor or a disk, as the kernel tells it.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

from attrs import define, field

MOST = 5
"""A limit is over after so many times its seconds at the latest, however busy the machine is."""

_PRESSURE = (Path("/proc/pressure/cpu"), Path("/proc/pressure/io"))
"""Where the kernel counts the microseconds in which some task waited."""


def undisturbed() -> float:
    """Return seconds of a clock that stands still while tasks wait. Compare two of its times.

    It may go back a little. So it is good for limits at the top, and not for those at the bottom.
    """
    return time.monotonic() - sum(map(_waited, _PRESSURE))


@define
class Patience:
    """Tells whether so many seconds are over."""

    seconds: float
    _began: float = field(factory=undisturbed, init=False)
    _began_by_the_wall: float = field(factory=time.monotonic, init=False)

    def is_over(self) -> bool:
        passed = time.monotonic() - self._began_by_the_wall
        return undisturbed() - self._began > self.seconds or passed > MOST * self.seconds


def _waited(path: Path) -> float:
    try:
        found = re.search(r"^some .* total=(\d+)$", path.read_text(encoding="ascii"), re.M)
    except OSError:
        found = None  # a kernel without it: a busy machine may then fail a test
    return int(found[1]) / 1e6 if found else 0.0
