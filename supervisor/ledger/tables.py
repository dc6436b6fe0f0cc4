"""The ledger's tables: write values as rows with checksums, and read them back.

Called by the database. SQLite itself does not notice a changed bit in a row.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Any, TypeAlias

from supervisor.alerts.alert import NO_LABELS, Alert, Cursor, ModuleRecord, Sighting, State
from supervisor.alerts.payload import Payload
from supervisor.ledger.changes import Changes

VERSION = 1
"""The present format. A new one needs a step in `migrations`."""

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
"""Makes the tables of this format. `_alert` and `_alert_columns` have the order of `alerts`."""

SIGHTING_COLUMNS = ("seen", "missed", "fingerprint")
"""The columns of `sightings` after the key, in the order of the table: fields of `Sighting`."""

CURSOR_COLUMNS = ("version", "episode", "sent_at", "ends_at", "held_since", "shift", "rejected")
"""The columns of `cursors` after the key, in the order of the table: fields of `Cursor`."""

_sighting_columns = attrgetter(*SIGHTING_COLUMNS)
_cursor_columns = attrgetter(*CURSOR_COLUMNS)

Rows: TypeAlias = dict[tuple[str | int, ...], tuple[Any, ...] | None]
"""The columns of each row after its key. None removes the row."""

_NUMBER = int | float
"""The types of values that SQLite may return with another type."""


def load(connection: sqlite3.Connection) -> Changes:
    """Return what the tables hold. A cursor is None when its alert is gone.

    Raises `sqlite3.Error`, `ValueError`, `TypeError` or `IndexError` when a row is damaged.
    """
    found = Changes(lost=Counter({reason: int(count) for reason, count in _lost(connection)}))
    for row in _rows(connection, "alerts"):
        found.alerts[row[0]] = _alert(row)
    for module, name, instance, *rest in _rows(connection, "sightings"):
        found.sightings.setdefault(module, {})[(name, instance)] = _sighting(rest)
    for peer, fingerprint, *rest in _rows(connection, "cursors"):
        # A crash can leave the cursor of a removed alert. A later alert must not get it.
        is_orphan = fingerprint not in found.alerts
        found.cursors[(peer, fingerprint)] = None if is_orphan else _cursor(rest)
    for name, last, state in _rows(connection, "modules"):
        found.modules[name] = ModuleRecord(last, json.loads(state))
    for number, *columns in _rows(connection, "history"):
        found.history[number] = _alert(tuple(columns))
    return found


def write(connection: sqlite3.Connection, changes: Changes) -> None:
    """Write the changes within the transaction of the caller."""
    alerts: Rows = {
        (name,): None if alert is None else _alert_columns(alert)
        for name, alert in changes.alerts.items()
    }
    sightings: Rows = {
        (module, *key): None if sighting is None else _sighting_columns(sighting)
        for module, group in changes.sightings.items()
        for key, sighting in group.items()
    }
    cursors: Rows = {
        key: None if cursor is None else _cursor_columns(cursor)
        for key, cursor in changes.cursors.items()
    }
    modules: Rows = {
        (name,): (record.last_scheduled, json.dumps(record.state))
        for name, record in changes.modules.items()
    }
    history: Rows = {
        (number,): None if past is None else (past.fingerprint, *_alert_columns(past))
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
    # SQLite may return a number with another type, and -0.0 as 0.0.
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
    """Remove the rows that are None, and write the others."""
    gone = [key for key, row in rows.items() if row is None]
    present = [(*key, *row, checksum(key + row)) for key, row in rows.items() if row is not None]
    if gone:
        where = " AND ".join(f"{key} = ?" for key in keys)
        connection.executemany(f"DELETE FROM {table} WHERE {where}", gone)  # noqa: S608 - constants
    if present:
        marks = ", ".join("?" * len(present[0]))
        insert = f"REPLACE INTO {table} VALUES ({marks})"  # noqa: S608 - constants
        connection.executemany(insert, present)


def _lost(connection: sqlite3.Connection) -> Iterator[tuple[str, int]]:
    return connection.execute("SELECT reason, count FROM lost")


def _alert(row: tuple[Any, ...]) -> Alert:
    """Return the alert of a row of `alerts`: its columns in the order of the table.

    What is held is a firing alert with an end, or a report without one. A version that knows of no
    windows reads the same row, and sends it.
    """
    state = State(row[5])
    is_held = (state is State.FIRING and row[7] is not None) or (
        state is State.REPORT and row[7] is None
    )
    return Alert(
        fingerprint=row[0],
        module=row[1],
        alertname=row[2],
        event_type=row[3],
        instance=row[4],
        state=State.HELD if is_held else state,
        starts_at=row[6],
        ends_at=row[7],
        payload=Payload(row[8]),
        frozen_labels=json.loads(row[9]) or NO_LABELS,
        version=row[10],
        episode=row[11],
        folded=row[12],
    )


def _alert_columns(alert: Alert) -> tuple[Any, ...]:
    """Return the columns after the fingerprint, in the order of the table."""
    state, ends_at = alert.state, alert.ends_at
    if state is State.HELD:
        is_report = alert.is_report
        state = State.REPORT if is_report else State.FIRING
        ends_at = None if is_report else ends_at or 0.0
    return (
        alert.module,
        alert.alertname,
        alert.event_type,
        alert.instance,
        state.value,
        alert.starts_at,
        ends_at,
        alert.payload.encoded,
        json.dumps(dict(alert.frozen_labels)),
        alert.version,
        alert.episode,
        alert.folded,
    )


def _sighting(columns: list[Any]) -> Sighting:
    """Return the sighting of a row of `sightings`: its columns after the key."""
    return Sighting(**dict(zip(SIGHTING_COLUMNS, columns, strict=True)))


def _cursor(columns: list[Any]) -> Cursor:
    """Return the cursor of a row of `cursors`: its columns after the key."""
    return Cursor(**dict(zip(CURSOR_COLUMNS, columns, strict=True)))
