"""Finds the files that rotation has made of a log. Used by `reader`.

The functions block, so call them in a thread.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from checks._logs.lines import OpenFile
from checks._logs.position import (
    DIGESTED_BYTES,
    Position,
    continues,
    holds_what_was_read,
)


def find_former(path: Path, file: OpenFile, position: Position) -> Path | None:
    """Return where the file that was read before is now, or None if it is gone.

    It may have been renamed, replaced, or copied before it was truncated. The number of its device
    may have changed with a restart of the host.
    """
    siblings = siblings_of(path)
    if renamed := find(siblings, position, continues):
        return renamed
    # When nothing was read of a file, there is no digest. Only its inode tells it.
    if position.offset == 0:
        return None
    # A new file may begin with the same few lines. They count again.
    same_inode = file.status().st_ino == position.inode
    if (same_inode or position.offset >= DIGESTED_BYTES) and holds_what_was_read(file, position):
        return path
    return find(siblings, position, holds_what_was_read)


def find(
    paths: Sequence[Path], position: Position, how: Callable[[OpenFile, Position], bool]
) -> Path | None:
    """Return the first of the files that fits a position."""
    for path in paths:
        with suppress(OSError), OpenFile(path) as file:
            if how(file, position):
                return path
    return None


def siblings_of(path: Path) -> list[Path]:
    """Return the files that rotation may have made of a log, the newest first.

    Examples are messages.1 and app-2026-01-01.log. The log may be a link that rotation points to a
    new file. Then files with names like that of its target count too. In a directory that this user
    may not list there are none.
    """
    return [sibling for sibling, _ in statuses_of_siblings(path)]


def statuses_of_siblings(path: Path) -> list[tuple[Path, os.stat_result]]:
    """Return the same files with what stat says about each."""
    target = path.resolve()
    found = []
    with suppress(PermissionError), os.scandir(target.parent) as entries:
        for entry in entries:
            named = entry.name.startswith(path.stem) or _without_numbers(
                entry.name
            ) == _without_numbers(target.name)
            if named and entry.name not in (path.name, target.name):
                with suppress(FileNotFoundError):  # it was rotated again
                    status = entry.stat(follow_symlinks=False)
                    found.append((target.with_name(entry.name), status))
    return sorted(found, key=lambda each: (each[1].st_mtime_ns, each[0]), reverse=True)


def rotated_since(path: Path, former: Path) -> list[Path]:
    """Return the former file and those that were rotated after it, the oldest first.

    Their names differ from its own only in numbers. Other files beside a log are not part of it.
    """
    siblings = siblings_of(path)
    if former not in siblings:
        return [former]
    newer = siblings[: siblings.index(former)]
    return [
        former,
        *reversed(
            [each for each in newer if _without_numbers(each.name) == _without_numbers(former.name)]
        ),
    ]


def _without_numbers(name: str) -> str:
    return re.sub(r"[0-9]+", "0", name)
