"""Reads what the kernel says of one process. Used by `scan` and `pid_files`.

The formats are those of proc(5). The functions block, so call them in a thread: to read a command
line can take as long as its process is stuck in the kernel.
"""

from __future__ import annotations

import os
import re

from attrs import frozen

from checks._common.printable import shown
from checks._processes.command_line import basename, may_be_title

PROC = "/proc"
"""Where the kernel lists the processes."""

FIRST_READ_BYTES = 4096
"""The bytes of the first read. Nearly every command line fits."""

MAX_CMDLINE_BYTES = 1024 * 1024
"""The most bytes that are read of a command line. Class paths of Java are long."""

COMM_LENGTH = 15
"""The bytes that the kernel keeps of a program's name."""

PF_KTHREAD = 0x00200000
"""The flag of a thread of the kernel."""

DEAD_STATES = frozenset("ZXx")
"""The states of a process, or of its main thread, that has ended."""

_STAT = re.compile(rb"([0-9]{1,18}) \((.*)\) ([!-~]) ([0-9 -]+)\s*", re.DOTALL)
_PARENT, _FLAGS, _THREADS, _BORN = 0, 5, 16, 18
"""Indexes of the fields, counted from the fourth one on."""


@frozen
class Process:
    """One process, or what is left of it."""

    pid: int

    comm: bytes
    """The short name of its program."""

    state: str

    parent: int
    """The pid of its parent."""

    born: int
    """When it was started, in clock ticks since boot."""

    flags: int = 0
    threads: int = 1

    @property
    def is_zombie(self) -> bool:
        """Whether it has ended. When only its main thread has, the others still run."""
        return self.state in DEAD_STATES and self.threads <= 1

    @property
    def is_of_kernel(self) -> bool:
        """Whether it is a thread of the kernel."""
        return bool(self.flags & PF_KTHREAD)

    def __str__(self) -> str:
        return f"{self.pid} ({shown(os.fsdecode(self.comm))})"


def look_up(pid: int) -> Process | None:
    """Return the process with this pid, if there is one."""
    try:
        return parse_stat(read_file(f"{PROC}/{pid}/stat"))
    except PermissionError:
        return None


def read_cmdline(pid: int) -> bytes:
    """Return a process's arguments as the kernel gives them. They are empty once it has ended.

    Raises `PermissionError` when the process is hidden from this user.
    """
    return read_file(f"{PROC}/{pid}/cmdline")


def parse_stat(line: bytes) -> Process | None:
    """Return the process that a /proc/PID/stat describes. Its name may hold any bytes."""
    match = _STAT.fullmatch(line)
    numbers = match[4].split() if match else []
    if match is None or len(numbers) <= _BORN:
        return None
    try:
        parent, flags, threads, born = (
            int(numbers[at]) for at in (_PARENT, _FLAGS, _THREADS, _BORN)
        )
    except ValueError:
        return None
    return Process(
        pid=int(match[1]),
        comm=match[2],
        state=match[3].decode(),
        parent=parent,
        born=born,
        flags=flags,
        threads=threads,
    )


def executable(pid: int, cmdline: bytes) -> bytes | None:
    """Return the file that a process executes, if only that tells a title from its name.

    None when this user may not see the file, and the kernel's short name does not tell it either.
    """
    if not may_be_title(cmdline):
        return b""
    try:
        return os.fsencode(os.readlink(f"{PROC}/{pid}/exe")).removesuffix(b" (deleted)")
    except OSError:
        process = look_up(pid)
        base = basename(cmdline.rstrip(b"\0 "))
        return None if process and process.comm == base[:COMM_LENGTH] else b""


def read_file(path: str) -> bytes:
    """Return what a file of /proc holds. Empty when its process has ended."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
        return b""
    try:
        content = os.read(descriptor, FIRST_READ_BYTES)
        while FIRST_READ_BYTES <= len(content) < MAX_CMDLINE_BYTES and (
            more := os.read(descriptor, MAX_CMDLINE_BYTES)
        ):
            content += more
    except ProcessLookupError:
        return b""
    finally:
        os.close(descriptor)
    return content
