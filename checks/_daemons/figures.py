"""Reads what one process uses beside what its /proc/PID/stat says. Used by `usage`.

The formats are those of proc(5). The functions block, so call them in a thread.
"""

from __future__ import annotations

import os
import re

from checks._processes.process import PROC, Process, look_up, read_file

_PSS = re.compile(rb"^Pss:\s+([0-9]{1,15}) kB$", re.MULTILINE)
"""In /proc/PID/smaps_rollup: a page that n processes share counts as 1/n of a page."""


def tells_sizes() -> bool:
    """Return whether this kernel tells everybody how many files a process has open.

    Linux 6.2 and later do: the number is the size of /proc/PID/fd.
    """
    return os.stat(f"{PROC}/self/fd").st_size > 0


def open_files(pid: int, *, sizes: bool) -> int:
    """Return how many files a process has open, 0 if it has ended.

    `sizes` is what `tells_sizes` has returned. Raises `PermissionError`.
    """
    path = f"{PROC}/{pid}/fd"
    try:
        return os.stat(path).st_size if sizes else len(os.listdir(path))
    except (FileNotFoundError, ProcessLookupError):
        return 0


def proportional(process: Process) -> int:
    """Return the bytes of memory that a process holds (PSS), shared ones in part.

    The kernel goes through all pages of the process for this, so ask only if it matters. Returns 0
    for a process that has ended. Raises `PermissionError`.
    """
    if not process.resident:  # a thread of the kernel, for one
        return 0
    if found := _PSS.search(read_file(f"{PROC}/{process.pid}/smaps_rollup")):
        return 1024 * int(found[1])
    if is_still(process):
        raise PermissionError("the kernel does not tell it")
    return 0


def shows_pss(process: Process) -> bool:
    """Return whether `proportional` may look at a process. It does not look itself."""
    try:
        os.close(os.open(f"{PROC}/{process.pid}/smaps_rollup", os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        return not is_still(process)
    return True


def owner(pid: int) -> int | None:
    """Return the number of the user that a process runs as. None when it has ended."""
    try:
        return os.stat(f"{PROC}/{pid}").st_uid
    except (FileNotFoundError, ProcessLookupError):
        return None


def is_still(process: Process) -> bool:
    """Return whether the process with this pid is still the same one, and lives."""
    present = look_up(process.pid)
    return present is not None and present.born == process.born and not present.is_zombie
