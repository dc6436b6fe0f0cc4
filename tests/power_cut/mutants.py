"""Supervisors that break a promise: `python -m tests.power_cut.mutants NAME ARGS`.

The power-cut runs must find what they lose.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from unittest.mock import patch

import trio

from supervisor.__main__ import main
from supervisor.ledger import database
from supervisor.ledger.changes import Changes
from supervisor.recorder.recorder import Recorder

LATE = 0.02
"""Seconds from an event's line in the log to its commit."""


def unsynced() -> None:
    """Let SQLite sync nothing."""
    connect = database._connect

    def careless(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.execute("PRAGMA synchronous = OFF")
        return connection

    patch.object(database, "_connect", careless).start()


def premature() -> None:
    """Let the recorder publish before it commits."""
    commit = Recorder._commit

    async def late(recorder: Recorder, changes: Changes, *, urgent: bool) -> None:
        recorder._publish(changes, [])
        await trio.sleep(LATE)
        await commit(recorder, changes, urgent=urgent)

    patch.object(Recorder, "_commit", late).start()


if __name__ == "__main__":
    {"unsynced": unsynced, "premature": premature}[sys.argv[1]]()
    sys.exit(main(sys.argv[2:]))
