"""The state of the whole host, from proc(5). Used by `system`.

Blocks for some milliseconds with many processes, so call it in a thread.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress

from attrs import frozen

from checks._kernel import proc_stat
from checks._kernel.proc_stat import PROC, CpuTimes, Memory

FIRST_SAMPLE_SECONDS = 0.5
"""Seconds between two readings of the processors when there was no run before."""

PRESSURE_KINDS = ("cpu", "memory", "io")
"""The files of /proc/pressure."""

_SOME_WAITED = re.compile(rb"^some .*avg60=([0-9.]{1,10})", re.MULTILINE)
"""In /proc/pressure: the percentage of the last minute in which a task waited."""

_KILLS = re.compile(rb"^oom_kill ([0-9]{1,18})$", re.MULTILINE)
"""In /proc/vmstat: how many processes the kernel has killed for memory."""


@frozen
class Vitals:
    """The state of the host. Sizes are in bytes, times in seconds."""

    boot: str
    uptime: float
    load: tuple[float, float, float]
    cpu_percent: float
    ticks: CpuTimes
    memory: Memory
    pressure: Mapping[str, float]
    open_files: int
    most_open_files: int
    processes: int
    zombies: int
    oom_kills: int

    @property
    def memory_percent(self) -> float:
        """The available part of the memory."""
        return 100 * self.memory.available / self.memory.total

    @property
    def open_files_percent(self) -> float:
        """The part of the kernel's limit on open files that is in use."""
        return 100 * self.open_files / self.most_open_files


def read(state: Mapping[str, object]) -> Vitals:
    """Return the state of the host, that of the processors since the run that left `state`.

    Raises `OSError`.
    """
    boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    before = recalled(state, boot)
    ticks = proc_stat.cpu_times()
    if before is None or ticks.total <= before.total:
        before = ticks
        time.sleep(FIRST_SAMPLE_SECONDS)
        ticks = proc_stat.cpu_times()
    used = ticks.since(before)
    processes, zombies = _count_processes()
    opened, _, most = map(int, (PROC / "sys/fs/file-nr").read_bytes().split())
    kills = _KILLS.search((PROC / "vmstat").read_bytes())
    return Vitals(
        boot=boot,
        uptime=proc_stat.uptime(),
        load=os.getloadavg(),
        cpu_percent=used.percent(used.busy),
        ticks=ticks,
        memory=proc_stat.memory(),
        pressure=_pressure(),
        open_files=opened,
        most_open_files=max(most, 1),
        processes=processes,
        zombies=zombies,
        oom_kills=int(kills[1]) if kills else 0,
    )


def recalled(state: Mapping[str, object], boot: str) -> CpuTimes | None:
    """Return the processors' times of the last run, if it was since this boot."""
    match state.get("cpu"):
        case [int(busy), int(idle), int(waiting), int(stolen)] if state.get("boot") == boot:
            return CpuTimes(busy, idle, waiting, stolen)
    return None


def kills_since(state: Mapping[str, object], vitals: Vitals) -> int:
    """Return how many processes the kernel has killed for memory since the last run."""
    before = state.get("oom_kills")
    if not isinstance(before, int):
        return 0
    return vitals.oom_kills - before if state.get("boot") == vitals.boot else vitals.oom_kills


def parse_pressure(text: bytes) -> float | None:
    """Return the percentage of the last minute in which a task waited, None if it is not there."""
    found = _SOME_WAITED.search(text)
    try:
        return float(found[1]) if found else None
    except ValueError:
        return None


def _pressure() -> dict[str, float]:
    found = {}
    for kind in PRESSURE_KINDS:
        with suppress(OSError):  # a kernel without PSI, or a container that may not see it
            value = parse_pressure((PROC / "pressure" / kind).read_bytes())
            if value is not None:
                found[kind] = value
    return found


def _count_processes() -> tuple[int, int]:
    """Return how many processes there are, and how many of them are zombies."""
    count = zombies = 0
    for entry in os.listdir(PROC):
        if entry.isdecimal():
            with suppress(OSError):  # it has just ended
                text = (PROC / entry / "stat").read_bytes()
                count += 1
                zombies += text.rpartition(b")")[2][1:2] == b"Z"
    return count, zombies
