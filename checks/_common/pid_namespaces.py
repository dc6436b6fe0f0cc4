"""Tells the processes of this host from those of its containers.

A container has a PID namespace of its own. Its processes are listed in /proc as all others are. The
functions block, so call them in a thread.
"""

from __future__ import annotations

import os
import re

PROC = "/proc"
"""Where the kernel lists the processes."""

READ_BYTES = 64 * 1024
"""The bytes of one read. Only a process in thousands of groups has a longer status."""

_PIDS = re.compile(rb"^NSpid:((?:\s+[0-9]+)+)$", re.MULTILINE)
"""In /proc/PID/status: the pid in this PID namespace, then those in each namespace inside it."""


def is_in_container(pid: int) -> bool:
    """Return whether a process is in another PID namespace than ours. False if it has ended."""
    try:
        descriptor = os.open(f"{PROC}/{pid}/status", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        status = part = os.read(descriptor, READ_BYTES)
        while len(part) == READ_BYTES and (part := os.read(descriptor, READ_BYTES)):
            status += part
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return is_nested(status)


def is_nested(status: bytes) -> bool:
    """Return whether a /proc/PID/status is that of a process in another PID namespace.

    Kernels before 4.1 do not say so.
    """
    found = _PIDS.search(status)
    return found is not None and len(found[1].split()) > 1
