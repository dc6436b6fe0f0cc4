"""What the control group of one of systemd's units uses. Used by `systemd_unit`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from attrs import evolve, frozen

from checks._processes import processor_time
from checks._processes.processor_time import Counter
from checks._processes.systemd_units import Unit
from supervisor.api import Json

GROUPS = Path("/sys/fs/cgroup")
"""Where the control groups are."""

_CACHES = (
    ("", re.compile(rb"^inactive_file ([0-9]{1,18})$", re.MULTILINE)),
    ("memory", re.compile(rb"^total_inactive_file ([0-9]{1,18})$", re.MULTILINE)),
)
"""Where the groups of the memory are below that, of version 2 and 1, and their memory.stat."""


@frozen
class UnitUsage:
    """What one unit uses. None: systemd does not know it."""

    memory: int | None
    """The bytes of memory that it holds, without `cache`."""

    cache: int
    """Bytes of files that it has read or written, and that the kernel drops when it needs room."""

    nanoseconds: int | None
    """The time of the processors since its start."""

    tasks: int | None
    """The number of its processes and threads."""

    percent: float | None = None
    """Percent of one processor since the last run. None also means that there was none."""


def measure(units: Mapping[str, Unit], earlier: Json) -> tuple[dict[str, UnitUsage], Json]:
    """Return what the units use, and what to remember for the next run. Blocks.

    `earlier` was remembered by the last run, and may be anything. A unit without processes is left
    out.
    """
    moment = processor_time.now()
    found = {name: each for name, unit in units.items() if (each := of(unit)) is not None}
    used: dict[str, dict[str, Counter]] = {name: {} for name in units}
    for name, each in found.items():
        if each.nanoseconds is not None:  # it begins at 0 when systemd starts the unit
            used[name][units[name].invocation] = Counter(each.nanoseconds / 1e9)
    reading = processor_time.read(earlier, moment, used)
    for name, percent in reading.percents.items():
        if used.get(name):
            found[name] = evolve(found[name], percent=percent)
    return found, reading.state


def of(unit: Unit) -> UnitUsage | None:
    """Return what a unit uses. None: it has no control group, and so no processes. Blocks."""
    if not unit.group:
        return None
    cache = file_cache(unit.group) if unit.memory else 0
    return UnitUsage(
        memory=None if unit.memory is None else max(0, unit.memory - cache),
        cache=cache,
        nanoseconds=unit.processor,
        tasks=unit.tasks,
    )


def file_cache(group: str) -> int:
    """Return the bytes of files in the memory of a group that were not used lately. 0: not known.

    The kernel counts them as memory of the group, and drops them first when it needs room.
    """
    for directory, pattern in _CACHES:
        with suppress(OSError):
            text = (GROUPS / directory / group.lstrip("/") / "memory.stat").read_bytes()
            if found := pattern.search(text):
                return int(found[1])
    return 0
