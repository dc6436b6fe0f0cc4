"""Bring an older ledger to the present format. Called by the database.

Each step makes format N + 1 of format N. All steps run in one transaction. Rules for a step:

- `checksum` stays the last column of a table, so `ALTER TABLE … ADD COLUMN` is wrong. Make a new
  table and copy the rows into it.
- Compare the checksum of each row with `tables.checksum` before you change the row. Raise
  `ValueError` if it is wrong: the file is then damaged. Compute the checksum of the new row.
- Do not use `tables.SCHEMA`, nor the functions there that read and write rows. They follow the
  present format, and a later version changes them.
- Use `execute` and `executemany`. `executescript` commits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from supervisor.errors import LedgerError
from supervisor.ledger import tables

Step: TypeAlias = Callable[[sqlite3.Connection], None]
"""Changes the tables, within the transaction of the caller."""

STEPS: Mapping[int, Step] = MappingProxyType({})
"""The steps by the format that each begins with. Format 1 is the first, and the present one."""

MAX_FORMAT = 1000
"""No version writes this format or a higher one. Such a file is damaged."""


def format_of(connection: sqlite3.Connection) -> int:
    """Return the format of a file; 0 for a new one."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    return int(found)


def require_known(found: int, present: int = tables.VERSION) -> None:
    """Raise `sqlite3.DatabaseError` for a damaged number, `LedgerError` for a newer format."""
    if not 0 < found < MAX_FORMAT:
        raise sqlite3.DatabaseError(f"its format is {found}")
    if found > present:
        raise LedgerError(
            f"it has format {found}, this version reads formats up to {present}; "
            "install the newer version again, or move the file away to begin a new one"
        )


def migrate(
    connection: sqlite3.Connection,
    steps: Mapping[int, Step] = STEPS,
    present: int = tables.VERSION,
) -> None:
    """Bring an older file to the present format, all of it or nothing. Raises `sqlite3.Error`."""
    if format_of(connection) == present:
        return
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for found in range(format_of(connection), present):
            steps[found](connection)
        connection.execute(f"PRAGMA user_version = {present}")
