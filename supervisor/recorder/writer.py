"""Writes changes to the ledger in a thread, tries again, and replaces a corrupt file.

Used by the recorder. The ledger itself knows no trio; this is where the two meet.
"""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path

import trio
from attrs import define, field

from supervisor.errors import LedgerCorrupt, LedgerError
from supervisor.host.clock import Clock
from supervisor.ledger.changes import Changes
from supervisor.ledger.database import Ledger, files_of, set_aside
from supervisor.ledger.outbox import Outbox

RETRY_DELAY = 5.0
"""Seconds until a commit that the disk has refused is tried again."""


@define
class Writer:
    """Owns the ledger's file and the changes that it does not hold yet."""

    ledger: Ledger
    """The open file; replaced when it is torn."""

    outbox: Outbox
    """All that is known: written into a new file when the old one is torn."""

    clock: Clock

    owed: Changes = field(factory=Changes)
    """What has been published but not written."""

    size: int = 0
    """Bytes that the ledger takes on disk."""

    _limiter: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1))
    """One thread at a time: SQLite's connection is used by one."""

    _retry_at: float = -math.inf
    """trio's time before which a disk that has refused is left alone."""

    _torn: str = ""
    """What is wrong with the file that must be replaced."""

    _aside: Path | None = None
    """Where the torn file was moved."""

    @property
    def wait(self) -> float:
        """Seconds until the next try; infinite when nothing is owed."""
        return self._retry_at - trio.current_time() if self.owed else math.inf

    async def commit(self, changes: Changes, *, urgent: bool) -> bool:
        """Write what is owed, these changes included; return whether all is on disk.

        A disk that has refused is left alone for a while, unless it is urgent. Raises
        `LedgerError` or `OSError`; the changes are then owed.
        """
        self.owed.update(changes)
        if not urgent and (not self.owed or trio.current_time() < self._retry_at):
            return False
        try:
            await self._write(changes)
        except (LedgerError, OSError):
            self._retry_at = trio.current_time() + RETRY_DELAY
            raise
        self.owed = Changes()
        self._retry_at = -math.inf
        return True

    def take_replacement(self) -> str:
        """Return, once after a commit, that it replaced a torn file; nothing if it did not."""
        if not self._torn or self._aside is None:
            return ""
        said = f"{self._torn}; it was set aside as {self._aside.name}, nothing was lost"
        self._torn, self._aside = "", None
        return said

    async def _write(self, changes: Changes) -> None:
        try:
            if not self._torn:
                self.size = await trio.to_thread.run_sync(
                    _commit, self.ledger, self.owed, limiter=self._limiter
                )
        except LedgerCorrupt as error:
            self._torn = str(error)
            self.ledger.close()
        if self._torn:
            await self._replace(changes)

    async def _replace(self, changes: Changes) -> None:
        """Set the torn file aside, and write all that is known into a new one."""
        path = self.ledger.path
        if self._aside is None:
            now = self.clock.now()
            self._aside = await trio.to_thread.run_sync(set_aside, path, now, limiter=self._limiter)
        whole = self.outbox.store.contents()
        whole.cursors |= self.outbox.cursors.contents()
        whole.update(changes)
        self.ledger = await trio.to_thread.run_sync(_new_ledger, path, whole, limiter=self._limiter)


def _commit(ledger: Ledger, changes: Changes) -> int:
    """Write the changes and return the bytes that the ledger then takes on disk."""
    ledger.commit(changes)
    return ledger.size()


def _new_ledger(path: Path, whole: Changes) -> Ledger:
    """Return a new ledger that holds everything; what cannot be finished is removed."""
    ledger = None
    try:
        ledger = Ledger(path)
        ledger.commit(whole)
    except LedgerError:
        if ledger is not None:
            ledger.close()
        with suppress(OSError):
            for file in files_of(path):
                file.unlink(missing_ok=True)
        raise
    return ledger
