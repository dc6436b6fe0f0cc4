"""Reads the lines that were appended to a log since the last time, through rotation and truncation.

Used by `log_pattern`. A position is where reading stopped, in which file, and a digest of what
stands before it: so a file that was renamed, copied, truncated or written anew is told apart.
Blocks, so call it in a thread.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from attrs import evolve, frozen

BLOCK = 1 << 20
LONGEST_LINE = 64 * 1024
"""Bytes: what is longer counts as several lines."""

REMEMBERED = 256
"""Bytes before the position whose digest is kept."""


@frozen
class Position:
    """Where reading stopped."""

    device: int
    inode: int
    offset: int
    digest: str


@frozen
class Progress:
    """Where reading has come to, and how many bytes are still to be read."""

    position: Position
    left: int = 0


def read(
    path: Path,
    position: Position | None,
    take: Callable[[bytes], object],
    most: int,
    *,
    from_start: bool = False,
) -> Progress:
    """Give each new line to `take`, at most about `most` bytes of them; return where that ended.

    Without a position nothing is read, unless `from_start`. Raises `OSError`.
    """
    with OpenFile(path) as file:
        if position is None:
            start = 0 if from_start else _end_of_last_line(file)
            return _follow(file, start, take, most)
        if _continues(file, position):
            return _follow(file, position.offset, take, most)
        old = _former(path, position)
        if old is not None:
            with old:
                progress = _follow(old, position.offset, take, most, finished=True)
            most -= progress.position.offset - position.offset
            if progress.left:
                size = file.status().st_size
                return evolve(progress, left=progress.left + size)
        return _follow(file, 0, take, most)


class OpenFile:
    """An open file that is no pipe or device, on which reading could wait for ever."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(0, "it is no regular file")
        self._descriptor = descriptor

    def status(self) -> os.stat_result:
        """Return what fstat says of it."""
        return os.fstat(self._descriptor)

    def at(self, offset: int, count: int) -> bytes:
        """Return the bytes there, fewer at the end of the file."""
        return os.pread(self._descriptor, count, offset)

    def close(self) -> None:
        """Close it."""
        os.close(self._descriptor)

    def __enter__(self) -> OpenFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _follow(
    file: OpenFile,
    offset: int,
    take: Callable[[bytes], object],
    most: int,
    *,
    finished: bool = False,
) -> Progress:
    """Read on from an offset. The last line of a file counts once it has its end."""
    end = offset + max(most, 0)
    for line in _lines(file, offset, finished=finished):
        if offset >= end:
            break
        take(line[:LONGEST_LINE].rstrip(b"\r\n"))
        offset += len(line)
    status = file.status()
    position = Position(status.st_dev, status.st_ino, offset, _digest(file, offset))
    left = status.st_size - offset if offset >= end else 0
    return Progress(position, max(left, 0))


def _lines(file: OpenFile, offset: int, *, finished: bool) -> Iterator[bytes]:
    rest = b""
    while block := file.at(offset + len(rest), BLOCK):
        lines = _split(rest + block)
        rest = lines.pop()
        for line in lines:
            yield line
            offset += len(line)
        while len(rest) > LONGEST_LINE:
            yield rest[:LONGEST_LINE]
            offset += LONGEST_LINE
            rest = rest[LONGEST_LINE:]
    if rest and finished:
        yield rest


def _split(text: bytes) -> list[bytes]:
    """Return the lines with their ends, and last what follows the last end."""
    *lines, rest = text.split(b"\n")
    return [*(line + b"\n" for line in lines), rest]


def _end_of_last_line(file: OpenFile) -> int:
    size = file.status().st_size
    tail = file.at(max(size - LONGEST_LINE, 0), LONGEST_LINE)
    return size - len(tail) + tail.rfind(b"\n") + 1 if b"\n" in tail else size


def _continues(file: OpenFile, position: Position) -> bool:
    """Return whether the file is the one that was read before, and still holds what was read."""
    status = file.status()
    same = (status.st_dev, status.st_ino) == (position.device, position.inode)
    return same and _holds(file, position)


def _holds(file: OpenFile, position: Position) -> bool:
    large = file.status().st_size >= position.offset
    return large and _digest(file, position.offset) == position.digest


def _former(path: Path, position: Position) -> OpenFile | None:
    """Return what the file was: renamed, or copied before it was truncated; None if it is gone."""
    for same_file in (_continues, _holds):
        # Of a file of which nothing was read there is no digest: only its number tells it.
        if same_file is _holds and position.offset == 0:
            break
        for name in _siblings(path):
            with suppress(OSError):
                found = OpenFile(path.with_name(name))
                if same_file(found, position):
                    return found
                found.close()
    return None


def _siblings(path: Path) -> list[str]:
    """Return what rotation may have made of it, such as messages.1, the newest first."""
    found = []
    with os.scandir(path.parent) as entries:
        for entry in entries:
            if entry.name.startswith(path.name) and entry.name != path.name:
                with suppress(FileNotFoundError):  # rotation goes on meanwhile
                    found.append((entry.stat(follow_symlinks=False).st_mtime, entry.name))
    return [name for _, name in sorted(found, reverse=True)]


def _digest(file: OpenFile, offset: int) -> str:
    start = max(offset - REMEMBERED, 0)
    return hashlib.sha256(file.at(start, offset - start)).hexdigest()[:16]
