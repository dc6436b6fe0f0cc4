"""What the writer does in the ledger's thread. It may block, and does not use trio."""

from __future__ import annotations

from contextlib import suppress
from logging import getLogger
from pathlib import Path

from attrs import frozen

from supervisor.errors import LedgerCorrupt, LedgerError
from supervisor.host.lock import Lock
from supervisor.host.state_dir import make_state_dir
from supervisor.ledger.changes import Changes
from supervisor.ledger.database import Ledger
from supervisor.ledger.files import files_of, set_aside

_log = getLogger("supervisor.ledger")


@frozen
class Written:
    """What the thread has found after a commit."""

    size: int
    """Bytes that the ledger takes on disk."""

    is_in_bounds: bool
    """Whether the WAL is as short as it should be."""


def write(
    ledger: Ledger, changes: Changes | None, *, lock: Lock | None, max_wal: int | None
) -> Written:
    """Write the changes, if there are any. With a lock, look whether that is still there."""
    if lock is not None and not lock.is_held():
        _take_again(lock)
    if changes is None:
        ledger.look()
    else:
        ledger.commit(changes)
    is_in_bounds = max_wal is None or ledger.shrink(max_wal)
    return Written(ledger.size(), is_in_bounds)


def _take_again(lock: Lock) -> None:
    """Take a lock whose file is not there. Raises `LedgerCorrupt` if another may have had it."""
    was_lost, was_another = not lock.is_directory, lock.path.exists()
    lock.take()
    if not was_lost:
        return  # the directory was locked all the time: there was no room for the file
    _log.warning("the lock %s was removed or replaced; it is held again", lock.path)
    if was_another:
        raise LedgerCorrupt(f"another supervisor may have used {lock.directory}")


def move_away(ledger: Ledger, lock: Lock | None, now: float) -> Path | None:
    """Set the useless files aside, unless they belong to another supervisor by now."""
    if lock is not None and not lock.is_held():
        lock.take()
    aside = set_aside(ledger.path, now)
    ledger.close()
    return aside


def new_ledger(path: Path, whole: Changes) -> Ledger:
    """Return a new ledger that holds everything. If writing fails, the new files are removed."""
    ledger = None
    make_state_dir(path.parent)
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
