"""The spool: a directory in which each report of a job is a file. Its owner is who reports.

Any user may put a file there; only the supervisor may list the directory. So a name that cannot be
guessed keeps a file from other users. See docs/reference/jobs.md for the format.
"""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import suppress
from typing import Any

ROOT = "/var/spool/supervisor"
"""Holds one spool for each service."""

VARIABLE = "SUPERVISOR_SPOOL_DIR"
"""The variable of the environment that names another directory than `ROOT`."""

SUFFIX = ".json"
"""The end of a report's name. A file with another end is not whole yet."""

SOCKET = "socket"
"""The name of the socket in a spool. A connection to it says that there is a new report."""

FORMAT = 1
"""The version of the format of reports."""

KNOCK_TIMEOUT = 0.05
"""Seconds for which a connection to the socket is tried. The report is in the spool already."""

POLL_INTERVAL = 0.02
"""Seconds between two looks whether a report was taken."""


def directory(service: str, given: str = "") -> str:
    """Return the spool of a service."""
    return given or os.path.join(os.environ.get(VARIABLE) or ROOT, service)


def report(job: str, event: str, run: str = "", **more: Any) -> dict[str, Any]:
    """Return a report of something that has just happened.

    `event` is "start" or "end". `run` is the same for start and end of one run.
    """
    return {
        "format": FORMAT,
        "id": os.urandom(16).hex(),
        "job": job,
        "event": event,
        "run": run,
        "at": time.time(),
        "uptime": time.clock_gettime(time.CLOCK_BOOTTIME),
        "boot": boot(),
        **more,
    }


def boot() -> str:
    """Return what names the time since the kernel started. Empty where that cannot be known."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return ""


def process() -> dict[str, int | None]:
    """Return what tells this process from all others, for the report of a start."""
    try:
        namespace: int | None = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        namespace = None
    return {"pid": os.getpid(), "process_start": _process_start(), "pid_namespace": namespace}


def _process_start() -> int | None:
    """Return when this process started, in the kernel's ticks. It tells it from a later one."""
    try:
        with open("/proc/self/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


def write(spool: str, document: dict[str, Any]) -> str:
    """Put a report into the spool and return its path. Raises `OSError`.

    It appears there whole or not at all. Its bytes are on the disk before that.
    """
    name = os.path.join(spool, os.urandom(16).hex())
    made = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            left = memoryview(json.dumps(document).encode())
            while left:
                left = left[os.write(made, left) :]
            os.fchmod(made, 0o644)  # the supervisor is another user, and cannot be told the name
            os.fsync(made)
        finally:
            os.close(made)
        os.rename(name, name + SUFFIX)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
    return name + SUFFIX


def knock(spool: str) -> None:
    """Tell the supervisor that there is a report. If that fails, it finds the report later."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(KNOCK_TIMEOUT)
        descriptor = os.open(spool, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            # The path may be too long for the address of a socket.
            sock.connect(f"/proc/self/fd/{descriptor}/{SOCKET}")
        finally:
            os.close(descriptor)


def await_taken(path: str, seconds: float) -> bool:
    """Wait until the supervisor has recorded a report. Return whether it has.

    It removes a report when what the report says is on its disk.
    """
    end = time.monotonic() + seconds
    while os.path.lexists(path):
        if time.monotonic() >= end:
            return False
        time.sleep(POLL_INTERVAL)
    return True
