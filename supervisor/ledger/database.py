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
from pathlib import Path

from attrs import define, field, frozen

from supervisor.errors import LedgerCorrupt, LedgerError, LedgerUnwritable
from supervisor.ledger import migrations, tables
from supervisor.ledger.changes import Changes
from supervisor.ledger.files import FileWatch, files_of, is_read_only, require_room, set_aside

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


@frozen
class OpenFiles:
    """What is open of a ledger."""

    connection: sqlite3.Connection
    """SQLite's connection."""

    files: FileWatch
    """Notices that the open files are no longer those of their names."""


@define(eq=False, repr=False)
class Ledger:
    """An open ledger file."""

    path: Path
    """The database. SQLite keeps its WAL and its index beside it."""

    later: bool = False
    """Whether the first commit opens the file, since the disk is full or read-only now."""

    _open: OpenFiles | None = field(default=None, init=False)
    """None until the file is open."""

    def __attrs_post_init__(self) -> None:
        if not self.later:
            self._opened()

    def load(self) -> Changes:
        """Return what was committed. Raises `LedgerCorrupt` or `LedgerError`."""
        try:
            return tables.load(self._opened().connection)
        except (sqlite3.Error, ValueError, TypeError, IndexError) as error:
            raise translated(self.path, "read", error) from error

    def commit(self, changes: Changes) -> None:
        """Write all of the changes, or none. Raises `LedgerCorrupt` or `LedgerError`.

        It is corrupt, too, if the files are no longer the open ones: a new process would not find
        what was written.
        """
        opened = self._opened()
        opened.files.look_before()
        try:
            with opened.connection as connection:
                connection.execute("BEGIN IMMEDIATE")
                tables.write(connection, changes)
        except sqlite3.Error as error:
            raise translated(self.path, "write", error) from error
        opened.files.look()

    def look(self) -> None:
        """Raise `LedgerCorrupt` if the files are no longer the open ones."""
        if self._open is not None:
            self._open.files.look_before()
            self._open.files.look()

    def size(self) -> int:
        """Return the bytes that the ledger took on disk at the last look."""
        return self._open.files.size if self._open else 0

    def shrink(self, most: int) -> bool:
        """Cut the WAL back if it takes more than `most` bytes. Return whether it is in bounds.

        It cannot be cut while another program reads an old state of the ledger.
        """
        if self._open is None or self._open.files.wal_size <= most:
            return True
        connection, files = self._open.connection, self._open.files
        try:
            connection.execute("PRAGMA busy_timeout = 0")
            try:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        except sqlite3.Error as error:
            raise translated(self.path, "write", error) from error
        files.forget_wal_size()
        files.look()
        return files.wal_size <= most

    def close(self) -> None:
        """Close the file. Nothing is lost without this call."""
        if self._open is not None:
            with suppress(sqlite3.Error):
                self._open.connection.close()

    def _opened(self) -> OpenFiles:
        if self._open is None:
            opened = OpenFiles(_connect(self.path), FileWatch(self.path))
            opened.files.look_before()
            opened.files.look()
            self._open = opened
        return self._open


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


def translated(path: Path, verb: str, error: Exception) -> LedgerError:
    """Return the `LedgerError` for an error of SQLite: corrupt, unwritable, or neither."""
    whole = getattr(error, "sqlite_errorcode", 0)
    code = whole & 0xFF
    if code in _NO_ROOM and whole != sqlite3.SQLITE_READONLY_DBMOVED:
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
        require_room(path)
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
    read_only = is_read_only(path)
    if not wal.exists() or not wal.stat().st_size:
        mode = "ro&immutable=1"  # so that SQLite does not make a WAL, which may need an inode
    else:
        mode = "ro" if read_only else "rw"
    try:
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            if mode == "rw":
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


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Raise `sqlite3.Error` if the file is damaged, `LedgerError` if a newer version wrote it."""
    try:
        migrations.require_known(migrations.format_of(connection))
    except LedgerError as error:
        raise LedgerError(f"cannot open the ledger {path}: {error}") from None
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
