"""The state directory: the names of its files, and how it is made.

See docs/reference/ledger.md for all files.
"""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import takewhile
from pathlib import Path

LEDGER_NAME = "ledger"
"""The ledger's database. SQLite keeps further files beside it."""

LOCK_NAME = "lock"
"""The file that the running supervisor locks."""


def make_state_dir(directory: Path) -> None:
    """Make the directory with mode 0700 if it is missing, so that a power cut does not undo that.

    What is synced in a directory is lost if the name of that directory is lost. Raises `OSError`.
    """
    places = (directory, *directory.parents)
    missing = list(takewhile(lambda place: not place.exists(), places))
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for place in missing:
        with suppress(OSError):  # not every file system can sync a directory
            sync_directory(place.parent)


def sync_directory(directory: Path) -> None:
    """Let the names in a directory outlive a power cut. Raises `OSError`."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
