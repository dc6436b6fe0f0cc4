"""Processors, memory and uptime of this host, from proc(5). Used by `daily` and `vitals`."""

from __future__ import annotations

import os
import re
from pathlib import Path

from attrs import frozen

PROC = Path("/proc")
_AMOUNT = re.compile(rb"(\w+):\s+([0-9]{1,15}) kB")
"""A line of /proc/meminfo."""


@frozen
class CpuTimes:
    """What all processors together have done since boot, in clock ticks."""

    busy: int
    idle: int
    waiting: int
    """Idle time in which a process waited for a disk."""

    stolen: int
    """Time that the hypervisor gave to other guests."""

    @property
    def total(self) -> int:
        """All ticks of all processors."""
        return self.busy + self.idle + self.waiting + self.stolen

    def since(self, before: CpuTimes) -> CpuTimes:
        """Return the ticks since an earlier reading; the kernel's waiting time may decrease."""
        return CpuTimes(
            max(self.busy - before.busy, 0),
            max(self.idle - before.idle, 0),
            max(self.waiting - before.waiting, 0),
            max(self.stolen - before.stolen, 0),
        )

    def percent(self, ticks: int) -> float:
        """Return the share of these ticks in the total."""
        return 100 * ticks / self.total if self.total else 0.0


@frozen
class Memory:
    """Main memory and swap space, in bytes."""

    total: int
    available: int
    swap: int
    swap_free: int

    @property
    def percent(self) -> int:
        """How much of the memory is not available."""
        return _used_percent(self.total, self.available)

    @property
    def swap_percent(self) -> int:
        """How much of the swap space is used."""
        return _used_percent(self.swap, self.swap_free)


def _used_percent(total: int, free: int) -> int:
    return round(100 * min(max(total - free, 0), total) / total) if total else 0


@frozen
class Birth:
    """When this process began."""

    identity: str
    """Differs from that of every other process, also after a boot."""

    age: float
    """Seconds since then."""


def cpu_times() -> CpuTimes:
    """Return what the processors have done since boot."""
    return parse_stat((PROC / "stat").read_bytes())


def parse_stat(text: bytes) -> CpuTimes:
    """Return the times of all processors in /proc/stat; raises `ValueError` if it has none."""
    first = text.partition(b"\n")[0].split()
    if first[:1] != [b"cpu"] or len(first) < 5 or not all(map(bytes.isdigit, first[1:])):
        raise ValueError("/proc/stat does not begin with the times of all processors")
    # Old kernels have fewer columns. A guest's time is part of user and nice.
    user, nice, system, idle, *others = map(int, first[1:])
    waiting, hard, soft, stolen = (*others, 0, 0, 0, 0)[:4]
    return CpuTimes(user + nice + system + hard + soft, idle, waiting, stolen)


def memory() -> Memory:
    """Return the present use of the memory."""
    return parse_meminfo((PROC / "meminfo").read_bytes())


def parse_meminfo(text: bytes) -> Memory:
    """Return what /proc/meminfo says; raises `ValueError` if it does not name the total."""
    amounts = {name: 1024 * int(number) for name, number in _AMOUNT.findall(text)}
    total = amounts.get(b"MemTotal", 0)
    if not total:
        raise ValueError("/proc/meminfo does not say how much memory there is")
    available = amounts.get(b"MemAvailable", amounts.get(b"MemFree", 0))
    return Memory(total, available, amounts.get(b"SwapTotal", 0), amounts.get(b"SwapFree", 0))


def uptime() -> float:
    """Return for how many seconds this host has been up."""
    return float((PROC / "uptime").read_bytes().split()[0])


def own_birth() -> Birth:
    """Return when this process began. A step of the clock does not change it."""
    boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    ticks = int((PROC / "self/stat").read_bytes().rpartition(b")")[2].split()[19])
    age = uptime() - ticks / os.sysconf("SC_CLK_TCK")
    return Birth(f"{boot}/{os.getpid()}/{ticks}", max(age, 0.0))
