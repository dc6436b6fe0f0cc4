"""Write changes to the ledger in a thread, try again, and replace a corrupt file.

Used by the recorder. The ledger itself does not use trio.
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
"""Seconds after a failed commit until it is tried again."""


@define
class Writer:
    """Owns the ledger's file, and the changes that the file does not hold yet."""

    ledger: Ledger
    """The open file. Replaced when it is corrupt."""

    outbox: Outbox
    """All alerts and cursors. A new file gets them when the old one is corrupt."""

    clock: Clock
    """Gives the time in the name of a corrupt file."""

    owed: Changes = field(factory=Changes)
    """What is published but not written."""

    size: int = 0
    """Bytes that the ledger takes on disk."""

    _limiter: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1))
    """Lets one thread use SQLite's connection at a time."""

    _retry_at: float = -math.inf
    """trio's time before which a failed commit is not tried again."""

    _damage: str = ""
    """What is wrong with the corrupt file that must be replaced. Empty if there is none."""

    _aside: Path | None = None
    """Where the corrupt file was moved."""

    @property
    def wait(self) -> float:
        """Seconds until the next try. Infinite when nothing is owed."""
        return self._retry_at - trio.current_time() if self.owed else math.inf

    async def commit(self, changes: Changes, *, urgent: bool) -> bool:
        """Write what is owed, with these changes. Return whether all is on disk.

        After a failure nothing is written for `RETRY_DELAY`, unless the commit is urgent. Raises
        `LedgerError` or `OSError`, and then the changes are owed.
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
        """Return once, after a commit, that a corrupt file was replaced. Empty if none was."""
        if not self._damage or self._aside is None:
            return ""
        replacement = f"{self._damage}; it was set aside as {self._aside.name}, nothing was lost"
        self._damage, self._aside = "", None
        return replacement

    async def _write(self, changes: Changes) -> None:
        try:
            if not self._damage:
                self.size = await trio.to_thread.run_sync(
                    _commit, self.ledger, self.owed, limiter=self._limiter
                )
        except LedgerCorrupt as error:
            self._damage = str(error)
            self.ledger.close()
        if self._damage:
            await self._replace(changes)

    async def _replace(self, changes: Changes) -> None:
        """Set the corrupt file aside, and write all alerts and cursors into a new one."""
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
    """Return a new ledger that holds everything. If writing fails, the new files are removed."""
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
