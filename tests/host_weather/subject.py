"""The supervisor of these runs: a real process under the switches, asked by a real command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import trio
from attrs import define, field, frozen

from tests.e2e.servers import ROOT
from tests.host_weather import journal
from tests.host_weather.journal import Moment
from tests.host_weather.log_pipe import LogPipe
from tests.host_weather.service import SERVICE
from tests.host_weather.switches import Switches

START_TIMEOUT = 60.0
"""Seconds within which every module must have run. A busy machine is allowed for."""

EXIT_TIMEOUT = 15.0
"""Seconds after which a process that does not end is killed."""

STATUS_TIMEOUT = 30.0
"""Seconds after which the command `status` is killed."""


@frozen
class Status:
    """What the command `status` did."""

    seconds: float
    """How long it took."""

    document: dict[str, Any] | None
    """What it printed. None if it failed."""


@define
class Subject:
    """One process after another, all with one state directory."""

    directory: Path
    """Has the service file."""

    switches: Switches
    """The weather of its host."""

    tag: str
    """An argument of each process that its commands leave behind."""

    nursery: trio.Nursery
    """Where logs are read."""

    logs: list[LogPipe] = field(factory=list)
    """The log of each process."""

    ends: dict[int, Moment] = field(factory=dict)
    """The last moment of each process."""

    _process: trio.Process | None = None

    @property
    def state(self) -> Path:
        return self.directory / "state"

    @property
    def log(self) -> str:
        return "".join(pipe.text for pipe in self.logs)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    async def start(self) -> None:
        """Start it. Return when every module has run, or it has ended."""
        pipe = LogPipe()
        self.logs.append(pipe)
        self._process = await trio.lowlevel.open_process(
            [*self._command("run"), *("--verbose", "--log-format", "json")],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=pipe.write_end,
            env=os.environ | self.switches.environment,
        )
        os.close(pipe.write_end)
        self.nursery.start_soon(pipe.read)
        with trio.move_on_after(START_TIMEOUT):
            while not (self.has_ended or journal.count(self.directory, self.pid)):  # noqa: ASYNC110  # a file
                await trio.sleep(0.05)

    def reload(self) -> None:
        """Send SIGHUP."""
        os.kill(self.pid, signal.SIGHUP)

    async def kill(self) -> None:
        """End it as a power cut would, with what its commands have started."""
        await self._end(signal.SIGKILL)
        while left := processes_of(self.tag):
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await trio.sleep(0.01)  # until they are dead

    async def stop(self) -> tuple[int | None, float]:
        """Send SIGTERM. Return the exit code and how many seconds the stop took.

        There is no exit code if it does not end.
        """
        began = trio.current_time()
        code = await self._end(signal.SIGTERM)
        return code, trio.current_time() - began

    async def status(self) -> Status:
        """Ask it as a person does."""
        began = trio.current_time()
        document = None
        with trio.move_on_after(STATUS_TIMEOUT):
            done = await trio.run_process(
                [*self._command("status"), "--json"],
                cwd=ROOT,
                capture_stdout=True,
                capture_stderr=True,
                check=False,
            )
            document = json.loads(done.stdout) if done.returncode == 0 else None
        return Status(trio.current_time() - began, document)

    def _command(self, name: str) -> list[str]:
        where = f"--config-dir={self.directory}", f"--state-dir={self.state}"
        return [sys.executable, "-m", "supervisor", name, f"--service={SERVICE}", *where]

    async def _end(self, how: signal.Signals) -> int | None:
        process = self._process
        assert process is not None
        self.ends[process.pid] = self._now(process.pid)
        process.send_signal(how)
        code = None
        with trio.move_on_after(EXIT_TIMEOUT):
            code = await process.wait()
        if code is None:
            process.kill()
            await process.wait()
        self._process = None
        return code

    def _now(self, pid: int) -> Moment:
        waited = 0.0
        with suppress(OSError, IndexError):  # it has ended
            waited = int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
        return Moment(pid, time.monotonic(), waited)


def processes_of(*arguments: str) -> dict[int, str]:
    """Return the processes that have one of these arguments, with their command lines."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            line = path.read_bytes().decode(errors="replace").split("\0")
            if not set(arguments).isdisjoint(line):
                found[int(path.parent.name)] = " ".join(line)
    return found
