"""The state of the whole host, from proc(5). Used by `system`.

Blocks for some milliseconds with many processes, so call it in a thread.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeVar

from attrs import field, frozen

from checks._common.pid_namespaces import is_nested
from checks._kernel import proc_stat
from checks._kernel.proc_stat import PROC, CpuTimes, Memory

Value = TypeVar("Value")

FIRST_SAMPLE_SECONDS = 0.5
"""Seconds between two readings of the processors when there was no run before."""

PRESSURE_KINDS = ("cpu", "memory", "io")
"""The files of /proc/pressure."""

_SOME_WAITED = re.compile(rb"^some .*avg60=([0-9.]{1,10})", re.MULTILINE)
"""In /proc/pressure: the percentage of the last minute in which a task waited."""

_STATE = re.compile(rb"^State:\s+([A-Za-z])", re.MULTILINE)
"""In /proc/PID/status: whether it runs, sleeps or is a zombie."""

_KILLS = re.compile(rb"^oom_kill ([0-9]{1,18})$", re.MULTILINE)
"""In /proc/vmstat: how many processes the kernel has killed for memory."""


@frozen
class Vitals:
    """The state of the host. Sizes are in bytes, times in seconds.

    A value that not every kernel or container has is None, or absent.
    """

    boot: str
    uptime: float
    load: tuple[float, float, float]
    cpu_percent: float
    ticks: CpuTimes
    memory: Memory
    pressure: Mapping[str, float]
    open_files: int | None
    most_open_files: int
    processes: int
    zombies: int

    oom_kills: int | None
    """How many processes the kernel has killed for memory since boot."""

    unreadable: Mapping[str, str] = field(factory=dict)
    """Why a value could not be read, by the name of its file below /proc."""

    @property
    def memory_percent(self) -> float:
        """The available part of the memory."""
        return 100 * self.memory.available / self.memory.total

    @property
    def open_files_percent(self) -> float | None:
        """The part of the kernel's limit on open files that is in use."""
        return None if self.open_files is None else 100 * self.open_files / self.most_open_files


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
    unreadable: dict[str, str] = {}
    opened, most = _optional("sys/fs/file-nr", parse_file_nr, unreadable) or (None, 1)
    return Vitals(
        boot=boot,
        uptime=proc_stat.uptime(),
        load=os.getloadavg(),
        cpu_percent=used.percent(used.busy),
        ticks=ticks,
        memory=proc_stat.memory(),
        pressure={
            kind: value
            for kind in PRESSURE_KINDS
            if (value := _optional(f"pressure/{kind}", parse_pressure, unreadable)) is not None
        },
        open_files=opened,
        most_open_files=most,
        processes=processes,
        zombies=zombies,
        oom_kills=_optional("vmstat", parse_kills, unreadable),
        unreadable=unreadable,
    )


def _optional(
    name: str, parse: Callable[[bytes], Value | None], unreadable: dict[str, str]
) -> Value | None:
    """Return what a file of /proc says. When it says nothing, `unreadable` gets the reason."""
    try:
        value = parse((PROC / name).read_bytes())
    except OSError as error:
        unreadable[name] = error.strerror or str(error)
        return None
    if value is None:
        unreadable[name] = "it does not say so"
    return value


def recalled(state: Mapping[str, object], boot: str) -> CpuTimes | None:
    """Return the processors' times of the last run, if it was since this boot."""
    match state.get("cpu"):
        case [int(busy), int(idle), int(waiting), int(stolen)] if state.get("boot") == boot:
            return CpuTimes(busy, idle, waiting, stolen)
    return None


def kills_since(state: Mapping[str, object], vitals: Vitals) -> int:
    """Return how many processes the kernel has killed for memory since the last run."""
    before = state.get("oom_kills")
    if not isinstance(before, int) or vitals.oom_kills is None:
        return 0
    return vitals.oom_kills - before if state.get("boot") == vitals.boot else vitals.oom_kills


def parse_pressure(text: bytes) -> float | None:
    """Return the percentage of the last minute in which a task waited, None if it is not there."""
    found = _SOME_WAITED.search(text)
    try:
        return float(found[1]) if found else None
    except ValueError:
        return None


def parse_kills(text: bytes) -> int | None:
    """Return how many processes the kernel has killed for memory, None if it does not count."""
    found = _KILLS.search(text)
    return int(found[1]) if found else None


def parse_file_nr(text: bytes) -> tuple[int, int] | None:
    """Return how many files are open and how many may be, None for any other content."""
    numbers = text.split()
    if len(numbers) != 3 or not all(number.isdigit() for number in numbers):
        return None
    return int(numbers[0]), max(int(numbers[2]), 1)


def _count_processes() -> tuple[int, int]:
    """Return how many processes this host has, and how many of them are zombies.

    Those of containers do not count.
    """
    count = zombies = 0
    for entry in os.listdir(PROC):
        if entry.isdecimal():
            with suppress(OSError):  # it has just ended
                status = (PROC / entry / "status").read_bytes()
                state = _STATE.search(status)
                if state is not None and not is_nested(status):
                    count += 1
                    zombies += state[1] == b"Z"
    return count, zombies
