"""The processes that use the most of this host, as `top` shows them. Used by `daily`.

The formats are those of proc(5). The functions block, so call them in a thread.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from attrs import frozen

from checks._common.pid_namespaces import is_in_container
from checks._common.printable import shown

MAX_CMDLINE_BYTES = 4096
"""The most bytes that are read of a command line."""

MASK = "***"
"""What stands in a title for a secret."""

_SECRETS = (
    re.compile(
        r"(?i)([\w-]*(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|credentials?)"
        r"(?:\s*[=:]\s*|\s+))\S+"
    ),
    re.compile(r"(://)[^\s/@]+(?=@)"),
)
"""What is a secret on a command line: the word after one like "password", and a URL's user."""

_STAT = re.compile(rb"([0-9]{1,18}) \((.*)\) [!-~] ([0-9 -]+)\s*", re.DOTALL)
_USER, _SYSTEM, _BORN, _RESIDENT = 10, 11, 18, 20
"""Indexes of the fields, counted from the fourth one on."""

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
"""The bytes of a page of memory."""


@frozen
class ProcessUsage:
    """What one process has used since it was started."""

    pid: int
    name: str

    born: int
    """When it was started, in clock ticks since boot."""

    ticks: int
    """The time of the processors that it used, in clock ticks."""

    resident: int
    """The memory that it holds, in bytes."""


@frozen
class Consumer:
    """What one process used between two readings."""

    process: ProcessUsage

    cpu: float
    """Percent of one processor."""


def read_processes() -> dict[int, ProcessUsage]:
    """Return the processes of this host that there are now, by pid. Containers' do not count."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            try:
                process = parse_stat(_read(f"/proc/{entry}/stat"))
            except OSError:  # it has ended, or is hidden from this user
                continue
            if process is not None and not is_in_container(process.pid):
                found[process.pid] = process
    return found


def parse_stat(text: bytes) -> ProcessUsage | None:
    """Return what a /proc/PID/stat says. None for any other content."""
    match = _STAT.fullmatch(text)
    if match is None:
        return None
    try:
        fields = [int(field) for field in match[3].split()]
        used = fields[_USER] + fields[_SYSTEM]
        born, resident = fields[_BORN], fields[_RESIDENT] * _PAGE_BYTES
    except (ValueError, IndexError):
        return None
    return ProcessUsage(
        pid=int(match[1]),
        name=os.fsdecode(match[2]),
        born=born,
        ticks=max(used, 0),
        resident=max(resident, 0),
    )


def consumers(
    before: Mapping[int, ProcessUsage], after: Mapping[int, ProcessUsage], ticks: float
) -> list[Consumer]:
    """Return what each process used between two readings. `ticks` is the time between them."""
    found = []
    for pid, process in after.items():
        known = before.get(pid)
        earlier = known.ticks if known is not None and known.born == process.born else 0
        used = max(process.ticks - earlier, 0)
        found.append(Consumer(process, 100 * used / ticks if ticks else 0.0))
    return found


def by_cpu(found: Iterable[Consumer], most: int) -> list[Consumer]:
    """Return the processes that used a processor, the busiest first, at most `most`."""
    busy = [consumer for consumer in found if consumer.cpu > 0]
    return sorted(busy, key=lambda one: (-one.cpu, -one.process.resident, one.process.pid))[:most]


def by_memory(found: Iterable[Consumer], most: int) -> list[Consumer]:
    """Return the processes that hold memory, the largest first, at most `most`."""
    large = [consumer for consumer in found if consumer.process.resident > 0]
    return sorted(large, key=lambda one: (-one.process.resident, one.process.pid))[:most]


def read_titles(pids: Iterable[int]) -> dict[int, str]:
    """Return the titles of the processes that have one.

    The kernel makes the reader wait while a process is stuck in a change of its memory.
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
    """Return a command line for people, at most `longest` characters.

    The path of the program is left out. Secrets are masked. A secret is known by the word before
    it, so some are missed.
    """
    text = os.fsdecode(cmdline).strip("\0 ")
    # The path of a program may have spaces in it. That of a title ends at the first one.
    program, _, arguments = text.partition("\0" if "\0" in text else " ")
    if program.startswith("/"):
        program = program.rpartition("/")[2]
    text = f"{program} {arguments}".replace("\0", " ").strip()
    for secret in _SECRETS:
        text = secret.sub(rf"\1{MASK}", text)
    return shown(text, longest)


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, MAX_CMDLINE_BYTES)
    finally:
        os.close(descriptor)
