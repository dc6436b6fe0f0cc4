"""The durable record: SQLite in WAL mode, one connection, no trio. Called from one thread.

What is committed is on the disk (`synchronous=FULL`). A file is set aside if SQLite calls it
corrupt, or if the checksum of a row is wrong. On a full or read-only disk the file is only read at
first. The first commit that finds room opens it. See docs/reference/ledger.md.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from attrs import define, field, frozen

from supervisor.errors import LedgerCorrupt, LedgerError, LedgerUnwritable
from supervisor.ledger import migrations, tables
from supervisor.ledger.changes import Changes

MIN_FREE_BYTES = 64 * 1024
"""Bytes that must be free on the disk to open the file.

With less, the WAL's index, which is mapped into memory, may end the process with SIGBUS.
"""

BUSY_TIMEOUT_MS = 2000
"""Milliseconds for which a commit waits for another process that reads the file."""

MAX_WAL_BYTES = 4 * 1024 * 1024
"""Bytes to which the WAL is cut back after a checkpoint."""

_NO_ROOM = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
}
"""SQLite's codes for a disk that is full, read-only or failing."""

_TRANSIENT = _NO_ROOM | {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
}
"""SQLite's codes for errors after which the file may still be sound."""

_NO_ROOM_FOR_FILES = {errno.EDQUOT, errno.EIO, errno.ENOSPC, errno.EROFS}
"""The system's errors for a disk that is full, read-only or failing."""


@define
class Ledger:
    """An open ledger file."""

    path: Path
    """The database. SQLite keeps its WAL and its index beside it."""

    later: bool = False
    """Whether the first commit opens the file, since the disk is full or read-only now."""

    _connection: sqlite3.Connection | None = field(default=None, init=False)
    """None until the file is open."""

    def __attrs_post_init__(self) -> None:
        if not self.later:
            self._connection = _connect(self.path)

    def load(self) -> Changes:
        """Return what was committed. Raises `LedgerCorrupt` or `LedgerError`."""
        try:
            return tables.load(self._opened())
        except (sqlite3.Error, ValueError, TypeError, IndexError) as error:
            raise translated(self.path, "read", error) from error

    def commit(self, changes: Changes) -> None:
        """Write all of the changes, or none. Raises `LedgerCorrupt` or `LedgerError`."""
        try:
            with self._opened() as connection:
                connection.execute("BEGIN IMMEDIATE")
                tables.write(connection, changes)
        except sqlite3.Error as error:
            raise translated(self.path, "write", error) from error

    def size(self) -> int:
        """Return the bytes that the ledger takes on disk."""
        total = 0
        for path in files_of(self.path):
            with suppress(OSError):  # a size that cannot be read does not harm what was written
                total += path.stat().st_size
        return total

    def close(self) -> None:
        """Close the file. Nothing is lost without this call."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = _connect(self.path)
        return self._connection


@frozen
class Opened:
    """A ledger at the start of the supervisor."""

    ledger: Ledger
    """The open file."""

    contents: Changes
    """What it holds."""

    aside: Path | None = None
    """Where a corrupt file was moved, or None."""


def open_ledger(path: Path, now: float) -> Opened:
    """Return the ledger and what it holds. A corrupt file is moved away.

    Raises `LedgerError` when the file can be neither opened nor read for another reason.
    """
    try:
        return _opened_or_read(path)
    except LedgerCorrupt:
        aside = set_aside(path, now)
        opened = _opened_or_read(path)
        return Opened(opened.ledger, opened.contents, aside)


def set_aside(path: Path, now: float) -> Path:
    """Move a corrupt ledger out of the way and return where it is now. Raises `LedgerError`."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.corrupt-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.corrupt-{stamp}-{number}")
    try:
        for file, suffix in zip(files_of(path), ("", "-wal", "-shm"), strict=True):
            if file.exists():
                file.rename(f"{aside}{suffix}")
    except OSError as error:
        raise LedgerError(f"cannot set aside the corrupt ledger {path}: {error}") from error
    return aside


def files_of(path: Path) -> tuple[Path, Path, Path]:
    """Return the files that make up a ledger: the database, its WAL and its index."""
    return path, Path(f"{path}-wal"), Path(f"{path}-shm")


def translated(path: Path, verb: str, error: Exception) -> LedgerError:
    """Return the `LedgerError` for an error of SQLite: corrupt, unwritable, or neither."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _NO_ROOM:
        return LedgerUnwritable(f"cannot {verb} the ledger {path}: {error}")
    transient = code in _TRANSIENT
    # While reading, the same errors come from a torn page: a missing table, or bad text.
    if verb == "write" and isinstance(error, sqlite3.OperationalError | sqlite3.ProgrammingError):
        transient = True
    kind = LedgerError if transient else LedgerCorrupt
    return kind(f"cannot {verb} the ledger {path}: {error}")


def _opened_or_read(path: Path) -> Opened:
    try:
        ledger = Ledger(path)
        try:
            return Opened(ledger, ledger.load())
        except LedgerError:
            ledger.close()
            raise
    except LedgerUnwritable:
        return Opened(Ledger(path, later=True), _read(path))


def _connect(path: Path) -> sqlite3.Connection:
    try:
        _require_room(path)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    except OSError as error:
        kind = LedgerUnwritable if error.errno in _NO_ROOM_FOR_FILES else LedgerError
        raise kind(f"cannot open the ledger {path}: {error}") from error
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        with ExitStack() as stack:
            stack.callback(connection.close)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            connection.execute(f"PRAGMA journal_size_limit = {MAX_WAL_BYTES}")
            if not migrations.format_of(connection):
                # If there are tables, the format was lost: this fails with SQLITE_ERROR.
                connection.executescript(f"BEGIN IMMEDIATE; {tables.SCHEMA} COMMIT;")
            else:
                _check(connection, path)
                migrations.migrate(connection)
            stack.pop_all()
    except (sqlite3.Error, ValueError) as error:
        raise translated(path, "open", error) from error
    return connection


def _read(path: Path) -> Changes:
    """Return what a file on a full or read-only disk holds, without making the WAL's index."""
    if not path.exists() or not path.stat().st_size:
        return Changes()
    wal = files_of(path)[1]
    read_only = _is_read_only(path)
    if not read_only:
        mode = "rw"
    elif wal.exists() and wal.stat().st_size:
        mode = "ro"
    else:
        mode = "ro&immutable=1"
    try:
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            if not read_only:
                # In this mode SQLite keeps the index in its own memory.
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            if not (
                migrations.format_of(connection)
                or connection.execute("SELECT 1 FROM sqlite_master").fetchone()
            ):
                return Changes()
            _check(connection, path)
            return _load_migrated(connection)
    except (sqlite3.Error, ValueError, TypeError, IndexError) as error:
        raise translated(path, "read", error) from error


def _load_migrated(connection: sqlite3.Connection) -> Changes:
    """Return what a file that cannot be written holds. An older format is migrated in memory."""
    if migrations.format_of(connection) == tables.VERSION:
        return tables.load(connection)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        connection.backup(copy)
        migrations.migrate(copy)
        return tables.load(copy)


def _require_room(path: Path) -> None:
    """Raise `OSError` if the disk is full or read-only."""
    place = os.statvfs(path.parent)
    free = place.f_bavail * place.f_frsize
    if _is_read_only(path):
        raise OSError(errno.EROFS, "its file system is mounted read-only")
    if place.f_blocks and free < MIN_FREE_BYTES:
        raise OSError(errno.ENOSPC, f"its file system has {free // 1024} KiB left")


def _is_read_only(path: Path) -> bool:
    return bool(os.statvfs(path.parent).f_flag & os.ST_RDONLY)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Raise `sqlite3.Error` if the file is damaged, `LedgerError` if a newer version wrote it."""
    try:
        migrations.require_known(migrations.format_of(connection))
    except LedgerError as error:
        raise LedgerError(f"cannot open the ledger {path}: {error}") from None
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
