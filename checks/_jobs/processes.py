"""What the kernel says: the present time, processes that have gone, users. It may block."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress

from checks._jobs.record import JobRecord, Running
from checks._jobs.report import Instant


def present(at: float) -> Instant:
    """Return the present time; `at` is what the clock shows."""
    return Instant(at, time.clock_gettime(time.CLOCK_BOOTTIME), _boot())


def _boot() -> str:
    with (
        suppress(OSError, ValueError),
        open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file,
    ):
        return file.read().strip()
    return ""


def gone(jobs: Mapping[str, JobRecord]) -> dict[str, set[str]]:
    """Return what the runs are called whose processes have ended, by the job's name.

    Called before the spool is read: such a process has put the report of its end there, or never
    will.
    """
    boot, namespace = _boot(), _pid_namespace()
    return {
        name: {each.run for each in record.running if _is_gone(each, boot, namespace)}
        for name, record in jobs.items()
    }


def _is_gone(running: Running, boot: str, namespace: int) -> bool:
    if running.start.boot and boot and running.start.boot != boot:
        return True  # the system was restarted
    if not running.pid or not namespace or running.pid_namespace != namespace:
        return False
    try:
        os.kill(running.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # another user's
    started = _started(running.pid)
    return bool(running.process_start and started) and started != running.process_start


def _started(pid: int) -> int:
    """Return when a process started, in the kernel's ticks. 0: it cannot be seen."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0


def _pid_namespace() -> int:
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return 0


def user_numbers(names: Iterable[str]) -> dict[str, int]:
    """Return the numbers of the users that this host knows."""
    known = {}
    for name in names:
        with suppress(KeyError):
            known[name] = pwd.getpwnam(name).pw_uid
    return known
