"""The durable record: SQLite in WAL mode, one connection, no trio. Called from one thread.

Committed is on disk (`synchronous=FULL`). A file that SQLite calls corrupt, or that holds a row
whose checksum is wrong, is set aside.
"""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from attrs import astuple, define, field

from supervisor.book import Book, Changes
from supervisor.errors import LedgerCorrupt, LedgerError
from supervisor.model import Alert, Cursor, ModuleRecord, Sighting, State

VERSION = 1
MOST_VERSIONS = 1000
"""A format beyond it was never written by any version."""

_TRANSIENT = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}
"""What says nothing about the file's contents."""

Rows: TypeAlias = dict[tuple[str | int, ...], tuple[Any, ...] | None]
"""The rest of each row by its key; None removes the row."""

_SCHEMA = f"""
CREATE TABLE alerts (
    fingerprint TEXT PRIMARY KEY, module TEXT NOT NULL, alertname TEXT NOT NULL,
    event_type TEXT NOT NULL, instance TEXT NOT NULL, state TEXT NOT NULL,
    starts_at REAL NOT NULL, ends_at REAL, body BLOB NOT NULL, frozen_labels TEXT NOT NULL,
    version INTEGER NOT NULL, episode INTEGER NOT NULL, folded INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE TABLE sightings (
    module TEXT NOT NULL, alertname TEXT NOT NULL, instance TEXT NOT NULL,
    seen INTEGER NOT NULL, missed INTEGER NOT NULL, fingerprint TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (module, alertname, instance)
) WITHOUT ROWID, STRICT;
CREATE TABLE cursors (
    peer TEXT NOT NULL, fingerprint TEXT NOT NULL, version INTEGER NOT NULL,
    episode INTEGER NOT NULL, sent_at REAL NOT NULL, ends_at REAL NOT NULL,
    held_since REAL, shift REAL, rejected INTEGER NOT NULL, checksum INTEGER NOT NULL,
    PRIMARY KEY (peer, fingerprint)
) WITHOUT ROWID, STRICT;
CREATE TABLE modules (
    name TEXT PRIMARY KEY, last_scheduled REAL NOT NULL, state TEXT NOT NULL,
    checksum INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE TABLE history (
    number INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL, module TEXT NOT NULL,
    alertname TEXT NOT NULL, event_type TEXT NOT NULL, instance TEXT NOT NULL,
    state TEXT NOT NULL, starts_at REAL NOT NULL, ends_at REAL, body BLOB NOT NULL,
    frozen_labels TEXT NOT NULL, version INTEGER NOT NULL, episode INTEGER NOT NULL,
    folded INTEGER NOT NULL, checksum INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE TABLE lost (reason TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID, STRICT;
PRAGMA user_version = {VERSION};
"""


@define
class Ledger:
    """An open ledger file."""

    path: Path
    _connection: sqlite3.Connection = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._connection = _connect(self.path)

    def load(self, book: Book) -> None:
        """Fill an empty book with what was committed.

        Raises `LedgerCorrupt` or `LedgerError`.
        """
        try:
            self._load(book)
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise translated(self.path, "read", error) from error

    def commit(self, changes: Changes) -> None:
        """Write all of the changes, or none. Raises `LedgerCorrupt` or `LedgerError`."""
        try:
            with self._connection as connection:
                connection.execute("BEGIN IMMEDIATE")
                _write(connection, changes)
        except sqlite3.Error as error:
            raise translated(self.path, "write", error) from error

    def size(self) -> int:
        """Return the bytes that the ledger takes on disk."""
        return sum(path.stat().st_size for path in files_of(self.path) if path.exists())

    def close(self) -> None:
        """Close the file; nothing is lost if it is never called."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def _load(self, book: Book) -> None:
        alerts: dict[str, Alert | None] = {row[0]: _alert(row) for row in self._rows("alerts")}
        sightings: dict[str, dict[tuple[str, str], Sighting | None]] = {}
        for module, name, instance, *rest in self._rows("sightings"):
            sightings.setdefault(module, {})[(name, instance)] = Sighting(*rest)
        cursors: dict[str, dict[str, Cursor]] = {}
        orphans: list[tuple[str, str]] = []
        for peer, fingerprint, *rest in self._rows("cursors"):
            if fingerprint in alerts:
                cursors.setdefault(peer, {})[fingerprint] = Cursor(*rest)
            else:
                orphans.append((peer, fingerprint))
        modules = {
            name: ModuleRecord(last, json.loads(state))
            for name, last, state in self._rows("modules")
        }
        history: dict[int, Alert | None] = {
            number: _alert(tuple(row)) for number, *row in self._rows("history")
        }
        lost = Counter(
            {reason: int(count) for reason, count in self._connection.execute("SELECT * FROM lost")}
        )
        book.cursors = cursors
        book.adopt(Changes(alerts, sightings, modules, {}, history, lost))
        # Left by a crash, they must not count as knowledge of a later alert of that name.
        for peer, fingerprint in orphans:
            book.forget_cursor(peer, fingerprint)

    def _rows(self, table: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a table without their checksums, which must be right."""
        for *row, found in self._connection.execute(f"SELECT * FROM {table}"):  # noqa: S608 - constants
            if found != checksum(row):
                raise ValueError(f"a row of {table} has a wrong checksum")
            yield tuple(row)


def open_ledger(path: Path, book: Book, now: float) -> tuple[Ledger, Path | None]:
    """Return the ledger, its contents loaded into the book, and where a torn one was set aside.

    Raises `LedgerError` when the file cannot be opened for another reason.
    """
    try:
        return _opened(path, book), None
    except LedgerCorrupt:
        aside = set_aside(path, now)
        return _opened(path, book), aside


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


def checksum(row: Iterable[object]) -> int:
    """Return a number that tells whether a row was damaged; SQLite itself does not notice."""
    # As SQLite returns them, numbers may have changed their type, and -0.0 its sign.
    values = [value + 0.0 if isinstance(value, int | float) else value for value in row]
    return zlib.crc32(repr(values).encode())


def files_of(path: Path) -> tuple[Path, Path, Path]:
    """Return the files that make up a ledger: the database, its WAL and its index."""
    return path, Path(f"{path}-wal"), Path(f"{path}-shm")


def everything(book: Book) -> Changes:
    """Return changes that write a whole book into an empty ledger."""
    cursors: dict[tuple[str, str], Cursor | None] = {
        (peer, fingerprint): cursor
        for peer, known in book.cursors.items()
        for fingerprint, cursor in known.items()
    }
    return Changes(
        dict(book.alerts),
        {module: dict(group) for module, group in book.sightings.items()},
        dict(book.modules),
        cursors,
        dict(book.history),
        Counter(book.lost),
    )


def translated(path: Path, verb: str, error: Exception) -> LedgerError:
    """Return an error of SQLite as ours: corrupt, or for a time unusable."""
    # What SQLite cannot decode or find in a file that it reads, nobody but a torn page can hold.
    transient = getattr(error, "sqlite_errorcode", 0) & 0xFF in _TRANSIENT
    if verb == "write" and isinstance(error, sqlite3.OperationalError | sqlite3.ProgrammingError):
        transient = True
    kind = LedgerError if transient else LedgerCorrupt
    return kind(f"cannot {verb} the ledger {path}: {error}")


def _opened(path: Path, book: Book) -> Ledger:
    ledger = Ledger(path)
    try:
        ledger.load(book)
    except LedgerError:
        ledger.close()
        raise
    return ledger


def _connect(path: Path) -> sqlite3.Connection:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    except OSError as error:
        raise LedgerError(f"cannot open the ledger {path}: {error}") from error
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        with ExitStack() as stack:
            stack.callback(connection.close)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA busy_timeout = 2000")
            connection.execute(f"PRAGMA journal_size_limit = {4 * 1024 * 1024}")
            _prepare(connection, path)
            stack.pop_all()
    except (sqlite3.Error, ValueError) as error:
        raise translated(path, "open", error) from error
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found == 0:
        # Fails with SQLITE_ERROR where there are tables, which had a format once.
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        return
    if not 0 < found < MOST_VERSIONS:
        raise sqlite3.DatabaseError(f"its format is {found}")
    if found != VERSION:
        raise LedgerError(
            f"cannot open the ledger {path}: it has format {found}, this version reads {VERSION}; "
            "upgrade, or move the file away to begin a new one"
        )
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)


def _write(connection: sqlite3.Connection, changes: Changes) -> None:
    alerts: Rows = {
        (name,): None if alert is None else _alert_row(alert)
        for name, alert in changes.alerts.items()
    }
    sightings: Rows = {
        (module, *key): None if sighting is None else astuple(sighting)
        for module, group in changes.sightings.items()
        for key, sighting in group.items()
    }
    cursors: Rows = {
        key: None if cursor is None else astuple(cursor) for key, cursor in changes.cursors.items()
    }
    modules: Rows = {
        (name,): (record.last_scheduled, json.dumps(record.state))
        for name, record in changes.modules.items()
    }
    history: Rows = {
        (number,): None if past is None else (past.fingerprint, *_alert_row(past))
        for number, past in changes.history.items()
    }
    for table, keys, rows in (
        ("alerts", ("fingerprint",), alerts),
        ("sightings", ("module", "alertname", "instance"), sightings),
        ("cursors", ("peer", "fingerprint"), cursors),
        ("modules", ("name",), modules),
        ("history", ("number",), history),
    ):
        _write_table(connection, table, keys, rows)
    connection.executemany(
        "INSERT INTO lost VALUES (?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
        list(changes.lost.items()),
    )


def _write_table(
    connection: sqlite3.Connection,
    table: str,
    keys: tuple[str, ...],
    rows: Rows,
) -> None:
    """Remove the rows that are None and write the others; names are this module's own."""
    gone = [key for key, row in rows.items() if row is None]
    present = [(*key, *row, checksum(key + row)) for key, row in rows.items() if row is not None]
    if gone:
        where = " AND ".join(f"{key} = ?" for key in keys)
        connection.executemany(f"DELETE FROM {table} WHERE {where}", gone)  # noqa: S608 - constants
    if present:
        marks = ", ".join("?" * len(present[0]))
        insert = f"REPLACE INTO {table} VALUES ({marks})"  # noqa: S608 - constants
        connection.executemany(insert, present)


def _alert(row: tuple[Any, ...]) -> Alert:
    fields = list(row)
    fields[5] = State(row[5])
    fields[9] = json.loads(row[9])
    return Alert(*fields)


def _alert_row(alert: Alert) -> tuple[Any, ...]:
    row = list(astuple(alert, recurse=False))
    row[5] = alert.state.value
    row[9] = json.dumps(dict(alert.frozen_labels))
    return tuple(row[1:])
