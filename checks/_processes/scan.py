"""Finds the processes that have certain names. Used by `daemon`.

The formats are those of proc(5). The functions block, so call them in a thread: to read a command
line can take as long as its process is stuck in the kernel.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from attrs import frozen

from checks._common.printable import shown
from checks._processes.command_line import basename, names, program, stem
from supervisor.api import is_command

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

    def __str__(self) -> str:
        return f"{self.pid} ({shown(os.fsdecode(self.comm))})"


@frozen
class ScanResult:
    """The processes that have the wanted names, and all zombies."""

    running: Mapping[str, tuple[Process, ...]]
    """The processes by name."""

    zombies: tuple[Process, ...] = ()

    hidden: bool = False
    """Whether some processes cannot be seen by this user."""


def scan(wanted: Collection[str]) -> ScanResult:
    """Return the processes that have the wanted names, and all zombies.

    A name is that of a program, a title, a Java main class, or an absolute path. Threads of the
    kernel, this process and commands of a supervisor are left out. So is a process that ends while
    it is read. Raises `OSError` when /proc cannot be read.
    """
    mentioned = mention_of(wanted)
    running: dict[str, list[Process]] = {name: [] for name in wanted}
    listed = {int(entry) for entry in os.listdir(PROC) if entry.isdecimal()}
    hidden = 1 not in listed
    pids = sorted(listed - {os.getpid()} - _kernel_threads())
    silent = []
    for pid in pids:
        try:
            cmdline = read_cmdline(pid)
        except PermissionError:
            hidden = True
            continue
        if not cmdline.strip(b"\0 "):
            silent.append(pid)
        elif mentioned.search(cmdline):
            _add(pid, going_by(cmdline, wanted), running)
    for name in wanted:
        if name.startswith("/") and not running[name]:
            for pid in executing(name, pids):
                _add(pid, [name], running)
    zombies = _zombies(silent, wanted, running)
    return ScanResult({name: tuple(found) for name, found in running.items()}, zombies, hidden)


def _kernel_threads() -> set[int]:
    """Return kthreadd and its children, if it can be seen. To read each of them would cost more."""
    kthreadd = look_up(2)
    if kthreadd is None or not kthreadd.flags & PF_KTHREAD:
        return set()
    try:
        return {2, *map(int, Path(f"{PROC}/2/task/2/children").read_bytes().split())}
    except OSError:  # a kernel without CONFIG_PROC_CHILDREN
        return {2}


def _add(pid: int, goes_by: Iterable[str], running: dict[str, list[Process]]) -> None:
    for name in goes_by:
        process = look_up(pid)
        if process and not process.is_zombie and not is_command(pid):
            running[name].append(process)


def _zombies(
    silent: Iterable[int], wanted: Collection[str], running: dict[str, list[Process]]
) -> tuple[Process, ...]:
    """Return the zombies among processes without a command line."""
    zombies = []
    for pid in silent:
        process = look_up(pid)
        if process is None or process.flags & PF_KTHREAD:
            continue
        if process.is_zombie:
            zombies.append(process)
        elif process.state in DEAD_STATES:
            _add(pid, going_by(_cmdline_of_a_thread(pid), wanted), running)
    return tuple(zombies)


def _cmdline_of_a_thread(pid: int) -> bytes:
    """Return the command line of a process whose main thread has ended before the others."""
    try:
        threads = os.listdir(f"{PROC}/{pid}/task")
    except OSError:
        return b""
    return max((_read(f"{PROC}/{pid}/task/{thread}/cmdline") for thread in threads), default=b"")


def mention_of(wanted: Iterable[str]) -> re.Pattern[bytes]:
    """Return a pattern that finds any of the names in a command line. It is a quick first test."""
    texts = {basename(name.encode()) for name in wanted}
    return re.compile(b"|".join(map(re.escape, sorted(texts))) if texts else rb"(?!)")


def going_by(cmdline: bytes, wanted: Iterable[str]) -> list[str]:
    """Return the wanted names that a process with this command line has.

    A path matches as it is written. It also matches when the process was started by its base name.
    """
    found, own = names(cmdline), program(cmdline)
    return [
        name
        for name in wanted
        if name.encode() in found or (name.startswith("/") and basename(name.encode()) == own)
    ]


def executing(path: str, pids: Iterable[int]) -> Iterator[int]:
    """Yield the processes that execute this file, or the file that this symbolic link points to."""
    files = {path, os.path.realpath(path)}
    for pid in pids:
        try:
            file = os.readlink(f"{PROC}/{pid}/exe")
        except OSError:  # it has ended, is the kernel's, or another user's
            continue
        if file.removesuffix(" (deleted)") in files:
            yield pid


def look_up(pid: int) -> Process | None:
    """Return the process with this pid, if there is one."""
    try:
        return parse_stat(_read(f"{PROC}/{pid}/stat"))
    except PermissionError:
        return None


def read_cmdline(pid: int) -> bytes:
    """Return a process's arguments as the kernel gives them. They are empty once it has ended.

    Raises `PermissionError` when the process is hidden from this user.
    """
    return _read(f"{PROC}/{pid}/cmdline")


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


def is_short_for(comm: bytes, name: str) -> bool:
    """Return whether the kernel's short name of a process stands for this name."""
    base = basename(name.encode())
    return base[:COMM_LENGTH] == comm or (base == stem(comm) and comm != base)


def _read(path: str) -> bytes:
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
