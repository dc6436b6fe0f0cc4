"""Lets the jobs of a simulated host report as their wrappers do: with the wrapper's own code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio
from attrs import define, field

from supervisor.jobs import spool, wrapper
from tests.simulation.chronicle import Chronicle
from tests.simulation.jobs.events import JobActed
from tests.simulation.jobs.kernel import NAMESPACE, Kernel
from tests.simulation.jobs.script import Act, Jobs

SPOOL = "spool"
"""The directory of the reports. It outlasts each life of the supervisor."""

FIRST_PID = 1000
"""The number of the first process."""

GAP = 0.001
"""Seconds between two acts at least, also after a suspend in which many were missed."""

LOOKS = 3
"""Steps after which the event loop has surely seen a connection, while no time passes."""


@define(eq=False)
class Reporter:
    """Does what the script of the jobs says. Each kind of act is the name of a method."""

    kernel: Kernel
    chronicle: Chronicle
    random: Random
    """Decides what reports are called."""

    _directory: Path = field(init=False)
    _started: int = 0
    """How many wrappers were started."""

    _began: dict[str, float] = field(factory=dict)
    """When each run has begun that goes on, by the monotonic clock."""

    _pids: dict[str, int] = field(factory=dict)
    """The wrapper of each run that goes on."""

    _last: dict[str, dict[str, Any]] = field(factory=dict)
    """The last report of an end, by job."""

    def __attrs_post_init__(self) -> None:
        self._directory = Path(SPOOL)
        self._directory.mkdir()

    async def report(self, jobs: Jobs) -> None:
        """Do all acts, each at its time."""
        true = self.kernel.clock.true
        for act in jobs.acts:
            await trio.sleep(max(GAP, act.at - true.elapsed))
            with self._decided():
                getattr(self, act.kind)(act)
            is_success = act.kind == "end" and not (act.exit or act.signal)
            clock = self.kernel.time()
            self.chronicle.tell(JobActed(act.job, true.now(), clock, act.kind, act.run, is_success))
            for _ in range(LOOKS):
                await trio.lowlevel.checkpoint()

    def start(self, act: Act) -> None:
        """The wrapper has started the job, or somebody reports that by hand."""
        process: dict[str, int] = {}
        if act.run:
            self._started += 1
            pid = self._pids[act.run] = FIRST_PID + self._started
            self.kernel.processes[pid] = started = int(100 * self.kernel.clock_gettime(0))
            process = {"pid": pid, "process_start": started, "pid_namespace": NAMESPACE}
            self._began[act.run] = trio.current_time()
        wrapper.tell(SPOOL, spool.report(act.job, "start", act.run, **process))

    def end(self, act: Act) -> None:
        """The job has ended, and its wrapper says how."""
        how: dict[str, Any] = {"signal": act.signal} if act.signal else {"exit": act.exit}
        if act.run in self._began:
            how["seconds"] = trio.current_time() - self._began.pop(act.run)
        self._last[act.job] = spool.report(act.job, "end", act.run, **how)
        wrapper.tell(SPOOL, self._last[act.job])
        self._end_process(act)

    def killed(self, act: Act) -> None:
        """The wrapper is killed, and nothing tells how its job has ended."""
        self._end_process(act)

    def again(self, act: Act) -> None:
        """A copy of the last report of an end comes, as after a file was restored."""
        if act.job in self._last:
            wrapper.tell(SPOOL, self._last[act.job])

    def half(self, act: Act) -> None:
        """A wrapper is killed while it writes: its file never gets its name."""
        (self._directory / os.urandom(16).hex()).write_bytes(b'{"format": 1, "id": "')

    def broken(self, act: Act) -> None:
        """A report has lost its end, as on a disk that was cut off."""
        text = b'{"format": 1, "event": "end"'
        (self._directory / f"{os.urandom(16).hex()}{spool.SUFFIX}").write_bytes(text)

    def _end_process(self, act: Act) -> None:
        if act.run in self._pids:
            del self.kernel.processes[self._pids.pop(act.run)]

    @contextmanager
    def _decided(self) -> Iterator[None]:
        """Let the seed decide what files and reports are called."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "urandom", self.random.randbytes)
            yield
