"""The files of a ledger: their names, the room for them, and whether they are still the same.

An open file outlives its name. When somebody removes, replaces or cuts a file of the ledger, all
goes on as if well, and a new process finds nothing of it. See docs/reference/ledger.md.
"""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

from attrs import define, evolve, field, frozen

from supervisor.errors import LedgerCorrupt, LedgerError

MIN_FREE_BYTES = 64 * 1024
"""Bytes that must be free on the disk to open the file.

With less, the WAL's index, which is mapped into memory, may end the process with SIGBUS.
"""


def files_of(path: Path) -> tuple[Path, Path, Path]:
    """Return the files that make up a ledger: the database, its WAL and its index."""
    return path, Path(f"{path}-wal"), Path(f"{path}-shm")


def set_aside(path: Path, now: float) -> Path | None:
    """Move a ledger out of the way. Return where it is now, None if there is none.

    Raises `LedgerError`.
    """
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.corrupt-{stamp}")
    number = 1
    while any(file.exists() for file in files_of(aside)):
        number += 1
        aside = path.with_name(f"{path.name}.corrupt-{stamp}-{number}")
    moved = False
    try:
        for file, target in zip(files_of(path), files_of(aside), strict=True):
            if file.exists():
                file.rename(target)
                moved = True
    except OSError as error:
        raise LedgerError(f"cannot set aside the corrupt ledger {path}: {error}") from error
    return aside if moved else None


def require_room(path: Path) -> None:
    """Raise `OSError` if the disk is full or read-only."""
    place = os.statvfs(path.parent)
    free = place.f_bavail * place.f_frsize
    if is_read_only(path):
        raise OSError(errno.EROFS, "its file system is mounted read-only")
    if place.f_blocks and free < MIN_FREE_BYTES:
        raise OSError(errno.ENOSPC, f"its file system has {free // 1024} KiB left")
    if place.f_files and place.f_favail < sum(not file.exists() for file in files_of(path)):
        raise OSError(errno.ENOSPC, "its file system has no inode left")


def is_read_only(path: Path) -> bool:
    """Return whether the file system is mounted read-only."""
    return bool(os.statvfs(path.parent).f_flag & os.ST_RDONLY)


@frozen
class Known:
    """What is known of an open file."""

    device: int
    """The device that holds it."""

    inode: int
    """Its number there."""

    size: int
    """Its bytes at the last look."""


@define(eq=False, repr=False)
class FileWatch:
    """Compares the files of those names with the open ones."""

    path: Path
    """The database."""

    _known: dict[Path, Known] = field(factory=dict)
    """What the last look has found."""

    _files: tuple[Path, Path, Path] = field(init=False)
    """The database, its WAL and its index."""

    def __attrs_post_init__(self) -> None:
        self._files = files_of(self.path)

    @property
    def size(self) -> int:
        """Return the bytes that the files took at the last look."""
        return sum(known.size for known in self._known.values())

    @property
    def wal_size(self) -> int:
        """Return the bytes that the WAL took at the last look."""
        known = self._known.get(self._files[1])
        return known.size if known else 0

    def forget_wal_size(self) -> None:
        """Expect a shorter WAL: it was cut by us."""
        _, wal, _ = self._files
        if known := self._known.get(wal):
            self._known[wal] = evolve(known, size=0)

    def look_before(self) -> None:
        """Raise `LedgerCorrupt` if WAL or index is gone, or is shorter than after the last commit.

        The next commit is written behind the last one, so afterwards a cut of the WAL would not
        show. SQLite itself makes the WAL shorter only within a commit. The index is mapped into
        memory, so it gets its length back: else an access would end the process with SIGBUS.
        """
        _, wal, index = self._files
        self._check(wal, self._look(wal))
        before, now = self._known.get(index), self._look(index)
        if before and now and now.size < before.size:
            os.truncate(index, before.size)
        self._check(index, now)
        if now:
            self._known[index] = now

    def look(self) -> None:
        """Raise `LedgerCorrupt` if database or WAL is gone or replaced, or the database is cut."""
        database, wal, _ = self._files
        for path in (database, wal):
            now = self._look(path)
            if path == database:
                self._check(path, now)
            if now:
                self._known[path] = now

    def _check(self, path: Path, now: Known | None) -> None:
        before = self._known.get(path)
        if before and now and now.size < before.size:
            raise LedgerCorrupt(f"the ledger's file {path} was cut by another program")

    def _look(self, path: Path) -> Known | None:
        """Return what is there. None if it cannot be seen: that does not harm what was written."""
        before = self._known.get(path)
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            if before is None:
                return None
            raise LedgerCorrupt(
                f"the ledger's file {path} was removed by another program"
            ) from None
        except OSError:
            return None
        if before and (before.device, before.inode) != (found.st_dev, found.st_ino):
            raise LedgerCorrupt(f"the ledger's file {path} was replaced by another program")
        return Known(found.st_dev, found.st_ino, found.st_size)
