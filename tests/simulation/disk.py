"""The disk of the simulated host: real files of a real SQLite in memory, and what befalls them.

Why files, and not a VFS of SQLite's: Python's own `sqlite3` takes none. The power-cut replay
(tests/power_cut) shows what a disk may do to single writes and syncs. This disk acts on whole
commits and on whole files.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import trio
from attrs import define, field

from supervisor.errors import LedgerUnwritable
from supervisor.host.state_dir import LEDGER_NAME
from supervisor.host.threads import Call, Worker
from supervisor.recorder import ledger_thread
from tests.simulation.never import Never

T = TypeVar("T")

FILES = (LEDGER_NAME, f"{LEDGER_NAME}-wal")
"""What of the ledger outlives a process. SQLite's index in `-shm` does not."""


@define(eq=False)
class Disk:
    """Holds one directory for each life of the supervisor."""

    root: Path
    """Where the directories are."""

    random: Random
    """Decides where what is torn is torn."""

    delay: float = 0.0
    """Seconds that each commit takes."""

    refuses: str = ""
    """What it says to each commit, if it takes none."""

    lies: bool = False
    """Whether it writes all the same what it says that it refuses."""

    hangs: bool = False
    """Whether nothing comes back from it."""

    cut: str = ""
    """Where the process dies at its next commit: `before`, `torn`, `after`."""

    die: Callable[[], None] = lambda: None
    """Kills the process."""

    swallows: bool = False
    """Whether the next call never comes back, and nothing ends the wait for it."""

    stuck: Callable[[str], None] = lambda _what: None
    """Told of that."""

    life: int = 0
    """The present life."""

    died: trio.Event = field(factory=trio.Event)
    """Set when the present life has ended."""

    _waiting: list[Call[Any]] = field(factory=list)
    """What the disk was asked to do and has not begun."""

    _wake: trio.Event = field(factory=trio.Event)

    @property
    def directory(self) -> Path:
        """The state directory of the present life."""
        return self.root / f"life-{self.life}"

    @property
    def is_well(self) -> bool:
        """Whether it takes what it is given at once."""
        return not (self.delay or self.refuses or self.hangs)

    def new_life(self) -> None:
        """Let the next process have the files, as they are when the last one has ended."""
        before = self.directory
        self.life += 1
        self.died.set()
        self.died = trio.Event()
        self.directory.mkdir(mode=0o700)
        self._waiting, self.cut, self.swallows = [], "", False
        for name in FILES:
            if (before / name).exists():
                shutil.copy(before / name, self.directory / name)
        for path in before.glob("*.corrupt-*"):
            shutil.copy(path, self.directory / path.name)

    def forget_last_life(self) -> None:
        """Remove the files of the life before the present one."""
        shutil.rmtree(self.root / f"life-{self.life - 1}", ignore_errors=True)

    def submit(self, call: Call[Any]) -> None:
        """Do what the process asks for: at once, later, or never."""
        if self.is_well and not self._waiting:
            self._do(call)
        else:
            self._waiting.append(call)
            self._wake.set()

    async def work(self) -> None:
        """Do what waits, in its order, as slowly as the disk is."""
        while True:
            await self._wake.wait()
            self._wake = trio.Event()
            life = self.life
            while self._waiting and life == self.life:
                while self.hangs:  # noqa: ASYNC110 - a fault ends it, which knows no event
                    await trio.sleep(1.0)
                await trio.sleep(self.delay)
                if self._waiting and life == self.life:
                    self._do(self._waiting.pop(0))

    def _do(self, call: Call[Any]) -> None:
        if not _is_write(call.function):
            call.run()
        elif self.cut == "before":
            self.die()
        elif self.cut:
            size = self._wal_size()
            call.function()
            if self.cut == "torn":
                self._tear(size)
            self.die()
        elif self.refuses and isinstance(call.function, partial):
            # The ledger's own calls. Others only look at a directory.
            why = self.refuses
            if self.lies:
                call.function()
            call.function = lambda: _refuse(why)
            call.run()
        else:
            call.run()

    def _wal_size(self) -> int:
        wal = self.directory / FILES[1]
        return wal.stat().st_size if wal.exists() else 0

    def _tear(self, size: int) -> None:
        """Leave only the beginning of what the last commit has added to the log."""
        wal = self.directory / FILES[1]
        whole = self._wal_size()
        if whole > size:
            with wal.open("r+b") as file:
                file.truncate(self.random.randrange(size, whole))


def _is_write(function: Callable[[], Any]) -> bool:
    """Return whether the ledger is written, and not only looked at something."""
    return isinstance(function, partial) and function.func.__module__ == ledger_thread.__name__


def _refuse(why: str) -> None:
    raise LedgerUnwritable(f"cannot write the ledger: {why}")


@define(eq=False)
class SimulatedWorker(Worker):
    """Lets the disk do what the ledger's thread would do."""

    disk: Disk = field(kw_only=True)
    is_dead: Callable[[], bool] = field(kw_only=True)
    """Whether the process has died. Nothing comes back to it then."""

    def start(self) -> None:
        """Start nothing: there are no threads."""

    def call(self, function: Callable[[], T]) -> Call[T]:
        """Give the disk something to do."""
        call = Call(function)
        if self.is_dead():
            return call
        if self.disk.swallows:
            self.disk.stuck("the recorder")
            return Call(function, done=Never(self.disk.died))  # type: ignore[arg-type]  # it is waited for alike
        self.disk.submit(call)
        return call

    def stop(self, last_act: Callable[[], None], timeout: float) -> None:
        """Do the last act at once."""
        last_act()
