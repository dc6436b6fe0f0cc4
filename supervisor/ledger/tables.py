"""The ledger's tables: the book's values as rows with checksums, and back. Called by the ledger.

SQLite itself does not notice a flipped bit in a row.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Any, TypeAlias

from attrs import astuple, fields

from supervisor.alerts.alert import Alert, Cursor, ModuleRecord, Sighting, State
from supervisor.ledger.store import Changes, Store

VERSION = 1

SCHEMA = f"""
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

Rows: TypeAlias = dict[tuple[str | int, ...], tuple[Any, ...] | None]
"""The rest of each row by its key; None removes the row."""

_NUMBER = int | float
_cursor_row = attrgetter(*(attribute.name for attribute in fields(Cursor)))
"""There are many cursors: `astuple` takes ten times as long."""


def load(connection: sqlite3.Connection, store: Store) -> None:
    """Fill an empty store with what the tables hold.

    Raises `sqlite3.Error`, `ValueError` or `TypeError` when a row is damaged.
    """
    alerts: dict[str, Alert | None] = {row[0]: _alert(row) for row in _rows(connection, "alerts")}
    sightings: dict[str, dict[tuple[str, str], Sighting | None]] = {}
    for module, name, instance, *rest in _rows(connection, "sightings"):
        sightings.setdefault(module, {})[(name, instance)] = Sighting(*rest)
    cursors: dict[str, dict[str, Cursor]] = {}
    orphans: list[tuple[str, str]] = []
    for peer, fingerprint, *rest in _rows(connection, "cursors"):
        if fingerprint in alerts:
            cursors.setdefault(peer, {})[fingerprint] = Cursor(*rest)
        else:
            orphans.append((peer, fingerprint))
    modules = {
        name: ModuleRecord(last, json.loads(state))
        for name, last, state in _rows(connection, "modules")
    }
    history: dict[int, Alert | None] = {
        number: _alert(tuple(row)) for number, *row in _rows(connection, "history")
    }
    lost = Counter(
        {reason: int(count) for reason, count in connection.execute("SELECT * FROM lost")}
    )
    store.cursors = cursors
    store.adopt(Changes(alerts, sightings, modules, {}, history, lost))
    # Left by a crash, they must not count as knowledge of a later alert of that name.
    for peer, fingerprint in orphans:
        store.forget_cursor(peer, fingerprint)


def write(connection: sqlite3.Connection, changes: Changes) -> None:
    """Write the changes, within the transaction of whoever calls."""
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
        key: None if cursor is None else _cursor_row(cursor)
        for key, cursor in changes.cursors.items()
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


def checksum(row: Iterable[object]) -> int:
    """Return a number that tells whether a row was damaged."""
    # As SQLite returns them, numbers may have changed their type, and -0.0 its sign.
    values = [value + 0.0 if isinstance(value, _NUMBER) else value for value in row]
    return zlib.crc32(repr(values).encode())


def _rows(connection: sqlite3.Connection, table: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table without their checksums, which must be right."""
    for *row, found in connection.execute(f"SELECT * FROM {table}"):  # noqa: S608 - constants
        if found != checksum(row):
            raise ValueError(f"a row of {table} has a wrong checksum")
        yield tuple(row)


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
