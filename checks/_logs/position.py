"""Where reading a log stopped. Used by `reader`.

A digest of the bytes before a position tells whether a file was renamed, copied, truncated or
replaced. The functions block, so call them in a thread.
"""

from __future__ import annotations

import hashlib

from attrs import astuple, frozen

from checks._logs.lines import OpenFile
from supervisor.api import Json

DIGESTED_BYTES = 256
"""The bytes before the position that the digest covers."""


@frozen
class Position:
    """Where reading a file stopped. That is always at the begin of a line."""

    device: int
    inode: int
    offset: int

    digest: str
    """The digest of the bytes before the offset."""

    size: int = 0
    """The size of the file at that time."""

    judged: int = 0
    """The size of the file when its last line was judged, although it had no end. 0: it was not."""

    counted: str = ""
    """The digest of the bytes before `judged` when that line has counted.

    The line does not count again when it is complete.
    """

    def dump(self) -> Json:
        """Return it as JSON."""
        return [*astuple(self)]

    @classmethod
    def load(cls, value: Json) -> Position | None:
        """Return the position that a JSON value describes. None for any other value.

        Version 0.1.0 wrote the first four fields alone.
        """
        match value:
            case [int(), int(), int(offset), str()] if offset >= 0:
                return cls(*value)
            case [int(), int(), int(offset), str(), int(), int(), str()] if offset >= 0:
                return cls(*value)
        return None

    @property
    def key(self) -> tuple[int, int]:
        """What tells the file from others, whatever its name is."""
        return self.device, self.inode

    @property
    def is_finished(self) -> bool:
        """Whether all was read that was there at that time."""
        return self.offset >= self.size or self.judged == self.size


def has_counted(file: OpenFile, position: Position) -> bool:
    """Return whether the line after the position is one that has counted without its end."""
    return bool(position.counted) and digest_of(file, position.judged) == position.counted


def begin_of(file: OpenFile) -> Position:
    """Return the position before the first byte of a file."""
    status = file.status()
    return Position(status.st_dev, status.st_ino, 0, digest_of(file, 0))


def continues(file: OpenFile, position: Position) -> bool:
    """Return whether this is the file that was read before, with the bytes that were read."""
    status = file.status()
    same = (status.st_dev, status.st_ino) == (position.device, position.inode)
    return same and holds_what_was_read(file, position)


def holds_what_was_read(file: OpenFile, position: Position) -> bool:
    """Return whether a file has the bytes before the position. It may be a copy."""
    large = file.status().st_size >= position.offset
    return large and digest_of(file, position.offset) == position.digest


def digest_of(file: OpenFile, offset: int) -> str:
    """Return the digest of the bytes before an offset."""
    start = max(offset - DIGESTED_BYTES, 0)
    return hashlib.sha256(file.at(start, offset - start)).hexdigest()[:16]
