"""The processes that use the most of this host, as `top` shows them. Used by `daily`.

The formats are those of proc(5). Blocks, so call it in a thread.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from attrs import frozen

from checks._common.printable import shown

MAX_CMDLINE_BYTES = 4096
"""Bytes of a command line that are read."""

MASK = "***"
_SECRETS = (
    re.compile(
        r"(?i)([\w-]*(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|credentials?)"
        r"(?:\s*[=:]\s*|\s+))\S+"
    ),
    re.compile(r"(://)[^\s/@]+(?=@)"),
)
_STAT = re.compile(rb"([0-9]{1,18}) \((.*)\) [!-~] ([0-9 -]+)\s*", re.DOTALL)
_USER, _SYSTEM, _BORN, _RESIDENT = 10, 11, 18, 20  # among the fields from the fourth on
_PAGE = os.sysconf("SC_PAGE_SIZE")


@frozen
class ProcessUsage:
    """What one process has used: clock ticks since it was born, and bytes of memory."""

    pid: int
    name: str
    born: int
    ticks: int
    resident: int


@frozen
class Consumer:
    """One of the greatest consumers: percent of one processor, and bytes of memory."""

    process: ProcessUsage
    cpu: float


def read_processes() -> dict[int, ProcessUsage]:
    """Return the processes that are there now, by number."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            try:
                process = parse_stat(_read(f"/proc/{entry}/stat"))
            except OSError:  # it has ended, or is hidden from us
                continue
            if process is not None:
                found[process.pid] = process
    return found


def parse_stat(text: bytes) -> ProcessUsage | None:
    """Return what a process's stat file says, None if it is no such file."""
    match = _STAT.fullmatch(text)
    if match is None:
        return None
    try:
        fields = [int(field) for field in match[3].split()]
        used = fields[_USER] + fields[_SYSTEM]
        born, resident = fields[_BORN], fields[_RESIDENT] * _PAGE
    except (ValueError, IndexError):
        return None
    return ProcessUsage(int(match[1]), os.fsdecode(match[2]), born, max(used, 0), max(resident, 0))


def consumers(
    before: Mapping[int, ProcessUsage], after: Mapping[int, ProcessUsage], ticks: float
) -> list[Consumer]:
    """Return what each process used between two readings; `ticks` is the time in between."""
    found = []
    for pid, process in after.items():
        known = before.get(pid)
        earlier = known.ticks if known is not None and known.born == process.born else 0
        used = max(process.ticks - earlier, 0)
        found.append(Consumer(process, 100 * used / ticks if ticks else 0.0))
    return found


def by_cpu(found: Iterable[Consumer], most: int) -> list[Consumer]:
    """Return those that used the processors at all, the busiest first."""
    busy = [consumer for consumer in found if consumer.cpu > 0]
    return sorted(busy, key=lambda one: (-one.cpu, -one.process.resident, one.process.pid))[:most]


def by_memory(found: Iterable[Consumer], most: int) -> list[Consumer]:
    """Return those that hold memory, the largest first."""
    large = [consumer for consumer in found if consumer.process.resident > 0]
    return sorted(large, key=lambda one: (-one.process.resident, one.process.pid))[:most]


def read_titles(pids: Iterable[int]) -> dict[int, str]:
    """Return the titles of those processes that have one.

    The kernel makes it wait while the process is stuck in a change of its memory.
    """
    titles = {}
    for pid in pids:
        try:
            if text := title(_read(f"/proc/{pid}/cmdline")):
                titles[pid] = text
        except OSError:
            continue
    return titles


def title(cmdline: bytes, longest: int = 80) -> str:
    """Return a command line for people: its program without the path, secrets masked, cut.

    A secret is known by the word before it, so this is no more than a precaution.
    """
    program, _, arguments = os.fsdecode(cmdline).strip("\0 ").replace("\0", " ").partition(" ")
    if program.startswith("/"):
        program = program.rpartition("/")[2]
    text = f"{program} {arguments}".strip()
    for secret in _SECRETS:
        text = secret.sub(rf"\1{MASK}", text)
    return shown(text, longest)


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, MAX_CMDLINE_BYTES)
    finally:
        os.close(descriptor)
