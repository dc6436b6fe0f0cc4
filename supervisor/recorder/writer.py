"""Write changes to the ledger in a thread, try again, and begin a new file when the old is useless.

Used by the recorder. The ledger itself does not use trio.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from logging import getLogger
from pathlib import Path
from typing import Any, TypeVar

import trio
from attrs import define, field

from supervisor.errors import (
    AlreadyRunning,
    LedgerCorrupt,
    LedgerError,
    LedgerUnwritable,
    SupervisorError,
)
from supervisor.host.clock import Clock
from supervisor.host.lock import Lock
from supervisor.host.threads import Call, Worker
from supervisor.ledger.changes import Changes
from supervisor.ledger.database import MAX_WAL_BYTES, Ledger
from supervisor.ledger.outbox import Outbox
from supervisor.recorder import ledger_thread
from supervisor.recorder.ledger_thread import Written

RETRY_DELAY = 5.0
"""Seconds after a failed commit until it is tried again."""

COMMIT_TIMEOUT = 10.0
"""Seconds for which a commit is waited for. A disk may hang for ever."""

LOOK_INTERVAL = 30.0
"""Seconds after which the writer looks whether lock and ledger are still there."""

WARNING_INTERVAL = 1200.0
"""Seconds between two lines about a WAL that cannot be cut back."""

CLOSE_TIMEOUT = 2.0
"""Seconds for which the end waits for the thread."""

T = TypeVar("T")

_log = getLogger("supervisor.ledger")


@define(eq=False, repr=False)
class Job:
    """What the thread does now."""

    call: Call[Any]
    """The call in the thread."""

    taken: Changes
    """What it writes. Owed again if it fails."""

    apply: Callable[[Any], None]
    """Takes over what the call returns."""


@define(eq=False, repr=False)
class Writer:
    """Owns the ledger's file, and the changes that the file does not hold yet."""

    ledger: Ledger
    """The open file. Replaced when it is corrupt or gone."""

    outbox: Outbox
    """All alerts and cursors. A new file gets them when the old one is useless."""

    clock: Clock
    """Gives the time in the name of a corrupt file."""

    lock: Lock | None = None
    """Keeps other supervisors away from the file."""

    worker: Worker = field(factory=lambda: Worker("ledger"))
    """The thread that uses SQLite's connection. Only the start needs a new thread.

    Others may let it look at files beside the ledger, so that they need no thread of their own.
    """

    owed: Changes = field(factory=Changes)
    """What is published but not written. It does not hold what the thread writes now."""

    size: int = 0
    """Bytes that the ledger takes on disk."""

    _job: Job | None = None
    """What the thread does. It may outlast the time for which it is waited for."""

    _hangs: bool = False
    """Whether the job was waited for in vain."""

    _retry_at: float = -math.inf
    """trio's time before which a failed commit is not tried again."""

    _look_at: float | None = None
    """trio's time of the next look at lock and ledger. None before the first commit."""

    _warned_at: float = -math.inf
    """trio's time of the last line about the WAL."""

    _damage: str = ""
    """What is wrong with the file that must be replaced. Empty if nothing is."""

    _is_out_of_the_way: bool = False
    """Whether the useless file was moved away."""

    _aside: Path | None = None
    """Where the useless file was moved. None if nothing of it was left."""

    _replacement: str = ""
    """What to say about the file that was replaced. Empty if none was."""

    @property
    def wait(self) -> float:
        """Seconds until the next try. Infinite when nothing is owed."""
        return math.inf if self.is_idle else self._retry_at - trio.current_time()

    @property
    def is_idle(self) -> bool:
        """Whether all that was given is on the disk."""
        return self._job is None and not self.owed

    def start(self) -> None:
        """Start the thread, so that it is there before it is needed. Raises `NoThread`."""
        self.worker.start()

    def close(self) -> None:
        """Close the file. It is given up if its disk does not answer. Nothing is lost by that."""
        self.worker.stop(self._close, CLOSE_TIMEOUT)

    async def commit(self, changes: Changes, *, urgent: bool) -> bool:
        """Write what is owed, with these changes. Return whether all is on disk.

        After a failure nothing is written for `RETRY_DELAY`, unless the commit is urgent. Raises
        `LedgerError` or `OSError`, and then the changes are owed.
        """
        self.owed.update(changes)
        now = trio.current_time()
        if self._look_at is None:
            self._look_at = now + LOOK_INTERVAL
        look = now >= self._look_at
        if not urgent and (now < self._retry_at or not (self.owed or self._job or look)):
            return False
        try:
            self.worker.start()
            await self._write(changes, urgent=urgent, look=look)
        except (SupervisorError, OSError) as error:
            self._retry_at = trio.current_time() + RETRY_DELAY
            if isinstance(error, LedgerError | OSError):
                raise
            raise self._unwritable(error) from error
        self._retry_at = -math.inf
        return True

    def take_replacement(self) -> str:
        """Return once, after a commit, that a useless file was replaced. Empty if none was."""
        replacement, self._replacement = self._replacement, ""
        return replacement

    async def _write(self, changes: Changes, *, urgent: bool, look: bool) -> None:
        try:
            await self._settle()
            if not self._damage:
                taken = self._take_owed()
                write = partial(
                    ledger_thread.write,
                    self.ledger,
                    taken if taken or urgent else None,
                    lock=self.lock if look else None,
                    max_wal=self.outbox.store.service.max_ledger + MAX_WAL_BYTES if look else None,
                )
                await self._call(write, taken, self._note_written)
        except LedgerCorrupt as error:
            self._damage = str(error)
        if self._damage:
            await self._replace(changes)
        if look:
            self._look_at = trio.current_time() + LOOK_INTERVAL

    async def _replace(self, changes: Changes) -> None:
        """Set the useless file aside, and write all alerts and cursors into a new one."""
        if not self._is_out_of_the_way:
            move = partial(ledger_thread.move_away, self.ledger, self.lock, self.clock.now())
            await self._call(move, Changes(), self._note_aside)
        whole = self.outbox.store.contents()
        whole.cursors |= self.outbox.cursors.contents()
        whole.update(changes)
        write = partial(ledger_thread.new_ledger, self.ledger.path, whole)
        await self._call(write, self._take_owed(), self._note_new)

    def _take_owed(self) -> Changes:
        taken, self.owed = self.owed, Changes()
        return taken

    async def _call(
        self, function: Callable[[], T], taken: Changes, apply: Callable[[T], None]
    ) -> None:
        """Call the function in the thread, and apply its result. `taken` is owed if it fails."""
        self._job = Job(self.worker.call(function), taken, apply)
        await self._settle()

    async def _settle(self) -> None:
        """Wait for the thread, and take over what it did. Raises what it raised.

        Raises `LedgerUnwritable` when it does not come back in time. It goes on with its work, and
        a later call takes that over.
        """
        job = self._job
        if job is None:
            return
        with trio.move_on_after(0.0 if self._hangs else COMMIT_TIMEOUT):
            await job.call.done.wait()
        if not job.call.done.is_set():
            self._hangs = True
            raise self._unwritable(f"its disk has not answered for {COMMIT_TIMEOUT:g} s")
        self._job, self._hangs = None, False
        try:
            result = job.call.result()
        except BaseException as error:
            job.taken.update(self.owed)
            self.owed = job.taken
            if isinstance(error, AlreadyRunning):
                self._damage = f"another supervisor has used {self.ledger.path.parent}"
            raise
        job.apply(result)

    def _note_written(self, written: Written) -> None:
        self.size = written.size
        if not written.is_in_bounds and trio.current_time() >= self._warned_at + WARNING_INTERVAL:
            self._warned_at = trio.current_time()
            _log.warning(
                "the ledger takes %d MB and grows: another program reads it, so that its log "
                "%s-wal cannot be cut back; end that program, `lsof` names it",
                written.size // 1_000_000,
                self.ledger.path,
            )

    def _note_aside(self, aside: Path | None) -> None:
        self._is_out_of_the_way, self._aside = True, aside

    def _note_new(self, ledger: Ledger) -> None:
        how = "a new one was written from memory"
        if self._aside is not None:
            how = f"it was set aside as {self._aside.name}"
        self._replacement = f"{self._damage}; {how}, nothing was lost"
        self.ledger, self.size = ledger, ledger.size()
        self._damage, self._is_out_of_the_way, self._aside = "", False, None

    def _unwritable(self, why: object) -> LedgerUnwritable:
        reason = str(why).removeprefix("cannot start: ")
        return LedgerUnwritable(f"cannot write the ledger {self.ledger.path}: {reason}")

    def _close(self) -> None:
        self.ledger.close()
