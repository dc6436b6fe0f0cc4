"""What a ledger holds after its process was killed."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import frozen

from supervisor.alerts.alert import State
from supervisor.ledger import tables
from supervisor.ledger.files import files_of


@frozen
class Found:
    """A ledger as the next start finds it."""

    firing: frozenset[str]
    """The instances of the scripted conditions that it holds as firing."""

    damage: str = ""
    """What is wrong with it."""


def read(path: Path) -> Found:
    """Read a copy, so that the next start finds the files as the kill left them."""
    with TemporaryDirectory(prefix="ledger-") as directory:
        copy = Path(directory, path.name)
        for file, target in zip(files_of(path)[:2], files_of(copy), strict=False):
            if file.exists():
                shutil.copy(file, target)
        if not copy.exists():
            return Found(frozenset())
        try:
            with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
                (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
                alerts = tables.load(connection).alerts.values()
        except (sqlite3.Error, ValueError, TypeError, IndexError) as error:
            return Found(frozenset(), str(error))
    firing = {alert.instance for alert in alerts if alert and alert.state is State.FIRING}
    return Found(frozenset(firing), "" if verdict == "ok" else str(verdict))
