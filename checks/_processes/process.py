"""Reads what the kernel says of one process. Used by `scan` and `pid_files`.

The formats are those of proc(5). The functions block, so call them in a thread: to read a command
line can take as long as its process is stuck in the kernel.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from attrs import field, frozen

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

_PARENT, _FLAGS, _USER, _WAITED_SYSTEM, _THREADS, _BORN, _RESIDENT = 0, 5, 10, 13, 16, 18, 20
"""Indexes of the fields, counted from the fourth one on.

Four fields from `_USER` on are time of the processors: in user mode and in the kernel, then the
same of children that have ended and that the process has waited for.
"""

_READ_FIELDS = _RESIDENT + 2
"""From the third one on, so many are told apart. The rest is one text."""

TICKS = os.sysconf("SC_CLK_TCK")
"""Clock ticks in a second."""

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
"""The bytes of a page of memory."""


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

    numbers: Sequence[bytes] = field(default=(), eq=False, repr=False)
    """The fields from the fourth on, as the kernel wrote them. Few callers need all of them."""

    @property
    def resident(self) -> int:
        """The bytes of memory that it holds (RSS). Those that it shares are among them."""
        return max(0, int(self.numbers[_RESIDENT])) * _PAGE_BYTES

    @property
    def ticks(self) -> int:
        """The time of the processors that it has used, in clock ticks."""
        return sum(map(int, self.numbers[_USER : _USER + 2]))

    @property
    def family_ticks(self) -> int:
        """The same, with the time of children that have ended and that it has waited for."""
        return sum(map(int, self.numbers[_USER : _WAITED_SYSTEM + 1]))

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


def key(process: Process) -> str:
    """Return a text that tells a process from all others since the host was started."""
    return f"{process.pid}/{process.born}"


def instances(running: Iterable[Process]) -> list[Process]:
    """Return the processes that no other of them has started. The others are workers of these."""
    processes = list(running)
    pids = {process.pid for process in processes}
    return [process for process in processes if process.parent not in pids]


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
    head, _, fields = line.rpartition(b") ")
    pid, _, comm = head.partition(b" (")
    state, *numbers = fields.split(None, _READ_FIELDS) or [b""]
    if len(numbers) < _READ_FIELDS - 1 or len(state) != 1 or not pid.isdigit():
        return None
    try:
        return Process(
            pid=int(pid),
            comm=comm,
            state=state.decode("ascii"),
            parent=int(numbers[_PARENT]),
            born=int(numbers[_BORN]),
            flags=int(numbers[_FLAGS]),
            threads=int(numbers[_THREADS]),
            numbers=numbers,
        )
    except ValueError:
        return None


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
