"""What the kernel of the simulated host tells the check `jobs` and the wrapper of jobs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from attrs import define, field

from checks._jobs import processes
from supervisor.jobs import spool
from tests.simulation.virtual_time import HostClock

BOOTED_BEFORE = 100_000.0
"""Seconds from the start of the kernel to the start of a scenario."""

BOOT = "00000000-0000-4000-8000-000000000000"
"""Names the start of the kernel. The host is never restarted, only its supervisor."""

NAMESPACE = 1
"""The namespace of all processes."""


@define(eq=False)
class Kernel:
    """Stands for the modules `time` and `os` where these two ask the kernel."""

    clock: HostClock

    processes: dict[int, int] = field(factory=dict)
    """The wrappers that run: when each has started, by its number."""

    CLOCK_BOOTTIME: int = time.CLOCK_BOOTTIME

    def time(self) -> float:
        """Return what the clock of the host shows."""
        return self.clock.now()

    def clock_gettime(self, _clock: int) -> float:
        """Return the seconds since the kernel has started, with those of suspends."""
        return BOOTED_BEFORE + self.clock.true.elapsed

    def kill(self, pid: int, _signal: int) -> None:
        """Raise `ProcessLookupError` if there is no such process."""
        if pid not in self.processes:
            raise ProcessLookupError

    def started(self, pid: int) -> int:
        """Return when a process has started. 0: there is no such process."""
        return self.processes.get(pid, 0)

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Let check and wrapper ask this kernel."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(processes, "time", self)
            patch.setattr(processes, "os", self)
            patch.setattr(processes, "_boot", lambda: BOOT)
            patch.setattr(processes, "_pid_namespace", lambda: NAMESPACE)
            patch.setattr(processes, "_started", self.started)
            patch.setattr(spool, "time", self)
            patch.setattr(spool, "boot", lambda: BOOT)
            yield
