"""Tells the processes of this host from those of its containers.

A container has a PID namespace of its own. Its processes are listed in /proc as all others are. The
functions block, so call them in a thread.
"""

from __future__ import annotations

import re
from pathlib import Path

PROC = Path("/proc")
"""Where the kernel lists the processes."""

_PIDS = re.compile(rb"^NSpid:((?:\s+[0-9]+)+)$", re.MULTILINE)
"""In /proc/PID/status: the pid in this PID namespace, then those in each namespace inside it."""


def is_in_container(pid: int) -> bool:
    """Return whether a process is in another PID namespace than ours. False if it has ended."""
    try:
        return is_nested((PROC / str(pid) / "status").read_bytes())
    except OSError:
        return False


def is_nested(status: bytes) -> bool:
    """Return whether a /proc/PID/status is that of a process in another PID namespace.

    Kernels before 4.1 do not say so.
    """
    found = _PIDS.search(status)
    return found is not None and len(found[1].split()) > 1
