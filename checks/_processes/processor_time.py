"""How much of a processor something used between two runs. Used by `daemon` and `systemd_unit`.

The clock is that of the kernel since boot: a step of the host's time does not change it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeGuard

from attrs import frozen

from supervisor.api import Json

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Where the kernel says which start of the host this is."""

MIN_SECONDS = 0.5
"""The shortest time between two readings: clock ticks are too coarse for less."""

BIRTH_TOLERANCE = 0.1
"""Seconds. What began so shortly before a reading may be missing in it."""

MAX_KEYS = 600
"""The most counters that are kept for the next run. All of them take 15 kB."""

MAX_NUMBER = 1e15
"""What is larger in a stored state is not a number of seconds or a percentage."""

Seconds = Mapping[str, Mapping[str, float]]
"""Seconds of a processor, by name and by the key of a counter."""


@frozen
class Counter:
    """How much of a processor one thing has used since it began, such as a process."""

    seconds: float
    """Seconds of one processor."""

    born: float = math.inf
    """When it began, in seconds since boot. Infinite: after the last reading, if that lacks it."""


Used = Mapping[str, Mapping[str, Counter]]
"""Counters by name, such as that of a daemon, and by a key that differs for each of them."""


@frozen
class Moment:
    """A time of this boot."""

    boot: str
    """Differs after each start of the host. Empty: it is not known."""

    at: float
    """Seconds since boot."""


@frozen
class Reading:
    """What was used until one moment, and the percentages that were found then."""

    moment: Moment
    used: Seconds
    percents: Mapping[str, float]
    """Percent of one processor since the reading before, by name."""

    @property
    def state(self) -> Json:
        """What the state of a check keeps of it."""
        largest = sorted(
            (
                (seconds, name, key)
                for name, each in self.used.items()
                for key, seconds in each.items()
            ),
            reverse=True,
        )
        used: dict[str, dict[str, float]] = {name: {} for name in self.used}
        for seconds, name, key in largest[:MAX_KEYS]:
            used[name][key] = round(seconds, 2)
        return {
            "boot": self.moment.boot,
            "at": round(self.moment.at, 2),
            "used": used,
            "percents": {**self.percents},
        }


def now() -> Moment:
    """Return the present moment. Blocks."""
    try:
        boot = BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:  # a /proc that shows processes alone
        boot = ""
    return Moment(boot, time.clock_gettime(time.CLOCK_BOOTTIME))


def read(earlier: Json, moment: Moment, used: Used) -> Reading:
    """Return a reading with the percentages since the one that `earlier` is the state of.

    A name that was not read then has none. Two readings can be so close that the time between
    them says nothing: then the earlier one stays.
    """
    seconds = {
        name: {key: counter.seconds for key, counter in each.items()} for name, each in used.items()
    }
    before = recall(earlier)
    if before is None or before.moment.boot != moment.boot:
        return Reading(moment, seconds, {})
    between = moment.at - before.moment.at
    if 0 <= between < MIN_SECONDS and used.keys() <= before.used.keys():
        return before
    if between < MIN_SECONDS:
        return Reading(moment, seconds, {})
    percents = {
        name: round(100 * sum(_growth(before, name, each)) / between, 1)
        for name, each in used.items()
        if name in before.used
    }
    return Reading(moment, seconds, percents)


def _growth(before: Reading, name: str, counters: Mapping[str, Counter]) -> Iterator[float]:
    """Yield by how much each counter has grown. The rest of one that is gone is not known."""
    known = before.used[name]
    for key, counter in counters.items():
        if key in known:
            yield max(0.0, counter.seconds - known[key])
        elif counter.born >= before.moment.at - BIRTH_TOLERANCE:
            yield counter.seconds


def recall(state: Json) -> Reading | None:
    """Return the reading that a state holds, None for any other content."""
    match state:
        case {"boot": str(boot), "at": at, "used": dict(used), "percents": dict(percents)}:
            tables = [percents, *used.values()]
            if not (_is_number(at) and all(map(_is_counts, tables))):
                return None
            return Reading(Moment(boot, at), used, percents)
    return None


def _is_counts(table: Json) -> bool:
    return isinstance(table, dict) and all(map(_is_number, table.values()))


def _is_number(value: Json) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value < MAX_NUMBER
