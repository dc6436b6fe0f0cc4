"""Finds the processes that have certain names. Used by `daemon`.

The functions block, so call them in a thread.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from attrs import define, frozen

from checks._common.pid_namespaces import is_in_container
from checks._processes.command_line import basename, names, program, stem
from checks._processes.process import (
    COMM_LENGTH,
    DEAD_STATES,
    PROC,
    Process,
    executable,
    look_up,
    read_cmdline,
    read_file,
)
from supervisor.api import is_command


@frozen
class ScanResult:
    """The processes that have the wanted names, and all zombies."""

    running: Mapping[str, tuple[Process, ...]]
    """The processes by name."""

    contained: Mapping[str, tuple[Process, ...]]
    """The same for processes of containers."""

    zombies: tuple[Process, ...] = ()

    pids: Sequence[int] = ()
    """All that was looked at: every process but this one and the threads of the kernel."""

    hidden: bool = False
    """Whether some processes cannot be seen by this user."""

    unseen: frozenset[str] = frozenset()
    """The paths that a process may execute whose file cannot be seen by this user."""


@define
class _Found:
    """The processes that were found so far, by name."""

    running: dict[str, dict[int, Process]]
    contained: dict[str, dict[int, Process]]

    def add(self, pid: int, goes_by: Collection[str]) -> None:
        """Add a process under each of the names, if it still runs."""
        process = look_up(pid) if goes_by else None
        if process and not process.is_zombie and not is_command(pid):
            found = self.contained if is_in_container(pid) else self.running
            for name in goes_by:
                found[name][pid] = process


def scan(wanted: Collection[str]) -> ScanResult:
    """Return the processes that have the wanted names, and all zombies.

    A name is that of a program, a title, a Java main class, a thread of the kernel, or an absolute
    path. This process and commands of a supervisor are left out. So is a process that ends while
    it is read. Raises `OSError` when /proc cannot be read.
    """
    mentioned = mention_of(wanted)
    found = _Found({name: {} for name in wanted}, {name: {} for name in wanted})
    listed = {int(entry) for entry in os.listdir(PROC) if entry.isdecimal()}
    hidden, unseen = 1 not in listed, set()
    kernel = _kernel_threads()
    pids = sorted(listed - {os.getpid()} - kernel)
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
            found.add(pid, going_by(cmdline, wanted, executable(pid, cmdline)))
    for name in wanted:
        if name.startswith("/") and not found.running[name]:
            executors, some_unseen = executing(name, pids)
            unseen |= {name} if some_unseen else set()
            for pid in executors:
                found.add(pid, [name])
    zombies = _zombies(silent, wanted, found)
    _add_kernel_threads(sorted({*kernel, *silent}), found.running)
    return ScanResult(
        running={name: (*processes.values(),) for name, processes in found.running.items()},
        contained={name: (*processes.values(),) for name, processes in found.contained.items()},
        zombies=zombies,
        pids=pids,
        hidden=hidden,
        unseen=frozenset(unseen),
    )


def _kernel_threads() -> set[int]:
    """Return kthreadd and its children, if it can be seen. To read each of them would cost more."""
    kthreadd = look_up(2)
    if kthreadd is None or not kthreadd.is_of_kernel:
        return set()
    try:
        return {2, *map(int, Path(f"{PROC}/2/task/2/children").read_bytes().split())}
    except OSError:  # a kernel without CONFIG_PROC_CHILDREN
        return {2}


def _add_kernel_threads(pids: Iterable[int], running: dict[str, dict[int, Process]]) -> None:
    """Add threads of the kernel, such as nfsd, where nothing else has the name."""
    lacking = {os.fsencode(name): name for name, found in running.items() if not found}
    short = {name[:COMM_LENGTH]: lacking[name] for name in lacking}
    for pid in pids if lacking else ():
        process = look_up(pid)
        if process and process.is_of_kernel:
            name = lacking.get(process.comm) or short.get(process.comm)
            if name:
                running[name][pid] = process


def _zombies(silent: Iterable[int], wanted: Collection[str], found: _Found) -> tuple[Process, ...]:
    """Return the zombies of this host among processes without a command line."""
    zombies = []
    for pid in silent:
        process = look_up(pid)
        if process is None or process.is_of_kernel:
            continue
        if process.is_zombie:
            if not is_in_container(pid):
                zombies.append(process)
        elif process.state in DEAD_STATES:
            found.add(pid, going_by(_cmdline_of_a_thread(pid), wanted))
    return tuple(zombies)


def _cmdline_of_a_thread(pid: int) -> bytes:
    """Return the command line of a process whose main thread has ended before the others."""
    try:
        threads = os.listdir(f"{PROC}/{pid}/task")
    except OSError:
        return b""
    return max(
        (read_file(f"{PROC}/{pid}/task/{thread}/cmdline") for thread in threads), default=b""
    )


def mention_of(wanted: Iterable[str]) -> re.Pattern[bytes]:
    """Return a pattern that finds any of the names in a command line. It is a quick first test."""
    texts = {basename(name.encode()) for name in wanted}
    return re.compile(b"|".join(map(re.escape, sorted(texts))) if texts else rb"(?!)")


def going_by(cmdline: bytes, wanted: Iterable[str], executable: bytes | None = b"") -> list[str]:
    """Return the wanted names that a process with this command line has.

    A path matches as it is written. It also matches when the process was started by its base name.
    """
    found, own = names(cmdline, executable), program(cmdline, executable)
    return [
        name
        for name in wanted
        if name.encode() in found or (name.startswith("/") and basename(name.encode()) == own)
    ]


def executing(path: str, pids: Iterable[int]) -> tuple[list[int], bool]:
    """Return the processes that execute this file, or the file that this symbolic link points to.

    Also returns whether this user may not see what some processes execute.
    """
    files, found, hidden = {path, os.path.realpath(path)}, [], False
    for pid in pids:
        try:
            file = os.readlink(f"{PROC}/{pid}/exe")
        except PermissionError:
            hidden = True
        except OSError:  # it has ended, or is the kernel's
            continue
        else:
            if file.removesuffix(" (deleted)") in files:
                found.append(pid)
    return found, hidden


def is_short_for(comm: bytes, name: str) -> bool:
    """Return whether the kernel's short name of a process stands for this name."""
    base = basename(name.encode())
    return base[:COMM_LENGTH] == comm or (base == stem(comm) and comm != base)
