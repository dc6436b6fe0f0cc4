"""CPU and memory of a process and its descendants, from /proc."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

TICKS = os.sysconf("SC_CLK_TCK")
"""Clock ticks in a second."""


@frozen
class Memory:
    """MiB of a process tree."""

    resident: float
    """The sum of RSS: a shared page counts for each process that has it."""
    own: float
    """The sum of PSS: a shared page counts once."""


def processes(pid: int) -> Iterator[int]:
    """Yield the process and its descendants. Those that end at that moment may be missing."""
    yield pid
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                for child in (task / "children").read_text(encoding="ascii").split():
                    yield from processes(int(child))


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of the tree, with that of children that have ended.

    The time of a living process is exact, by the clock of clock_getcpuclockid(3). The time of
    children that it has waited for comes in steps of 10 ms, from /proc/PID/stat.
    """
    return sum(map(_cpu_seconds, processes(pid)))


def _cpu_seconds(pid: int) -> float:
    try:
        waited_for = _stat(pid)[13:15]
        return time.clock_gettime((~pid << 3) | 2) + sum(map(int, waited_for)) / TICKS
    except OSError:  # it has just ended: its time counts for its parent
        return 0.0


def memory(pid: int) -> Memory:
    """Return the memory of the tree."""
    resident = own = 0
    for process in processes(pid):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
            resident += _kibibytes("Rss", text)
            own += _kibibytes("Pss", text)
    return Memory(resident / 1024, own / 1024)


def is_zombie(pid: int) -> bool:
    """Return whether a process has ended, even if its parent has not waited for it."""
    with contextlib.suppress(OSError):
        return _stat(pid)[0] == "Z"
    return True


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on; the second may contain spaces."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return stat.rpartition(")")[2].split()


def _kibibytes(key: str, text: str) -> int:
    found = re.search(rf"^{key}:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 0
