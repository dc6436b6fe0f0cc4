"""Reads /proc for `descendants`: our children, and their marks."""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import os
import resource

log = logging.getLogger(__name__)

_NO_DESCRIPTOR = {errno.EMFILE, errno.ENFILE}
"""The system's errors when no file can be opened for now."""


def children(*, every_thread: bool = False) -> list[int]:
    """Return our children: adopted orphans, and those that the main thread started.

    With `every_thread`, return those of other threads, too. Without /proc there is nothing to
    look at: it returns none, and the log says so once.
    """
    main = str(os.getpid())
    found: list[int] = []
    for thread in dict.fromkeys([main, *(_listed("/proc/self/task") if every_thread else ())]):
        try:
            found += map(int, _children_of(thread, main).split())
        except ProcessLookupError:
            continue
        except OSError as error:
            # Else it is a kernel without CONFIG_PROC_CHILDREN.
            if thread == main and error.errno not in _NO_DESCRIPTOR:
                return _children_among_all()
    return found


def _children_of(thread: str, main: str) -> bytes:
    if thread != main:
        return _read(f"/proc/self/task/{thread}/children")
    return _content(_children_of_main(main))


@functools.cache
def _children_of_main(main: str) -> int:
    """Return a descriptor that stays open. What a command has left is found without another one."""
    return os.open(f"/proc/self/task/{main}/children", os.O_RDONLY | os.O_CLOEXEC)


def _children_among_all() -> list[int]:
    found = []
    ours = str(os.getpid())
    for name in filter(str.isdigit, processes := _listed("/proc")):
        with contextlib.suppress(OSError):
            if _stat(int(name))[1].decode() == ours:
                found.append(int(name))
    if ours not in processes:
        _tell_of_missing_proc()
    return found


def _listed(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


@functools.cache
def _tell_of_missing_proc() -> None:
    log.warning(
        "cannot look at /proc: it is not mounted, or not for this process's namespace; "
        "processes that commands leave behind are not found, and stay; "
        "run: mount -t proc proc /proc"
    )


def rttime(pid: int) -> int:
    """Return the soft RLIMIT_RTTIME of a process in µs; 0 when it has none."""
    try:
        soft, _ = resource.prlimit(pid, resource.RLIMIT_RTTIME)
    except OSError:  # a setuid program: its limits can only be read as text
        return _rttime_in_text(pid)
    return 0 if soft == resource.RLIM_INFINITY else soft


def _rttime_in_text(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in _read(f"/proc/{pid}/limits").splitlines():
            if line.startswith(b"Max realtime timeout"):
                soft = line.split()[3]
                return int(soft) if soft.isdigit() else 0
    return 0


def born(pid: int) -> int:
    """Return when a process started, in clock ticks since boot."""
    return int(_stat(pid)[19])


def _stat(pid: int) -> list[bytes]:
    """Return the fields of /proc/PID/stat from the third on; the second may contain spaces."""
    return _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _content(descriptor)
    finally:
        os.close(descriptor)


def _content(descriptor: int) -> bytes:
    """Return what the file holds now, from its beginning."""
    content = bytearray()
    while chunk := os.pread(descriptor, 65536, len(content)):
        content += chunk
    return bytes(content)
