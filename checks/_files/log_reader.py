"""Reads the lines that were appended to a log since the last time. Used by `log_pattern`.

A position says in which file reading stopped, and where. A digest of the bytes before it tells
whether a file was renamed, copied, truncated or replaced. The functions block, so call them in a
thread.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from attrs import evolve, frozen

READ_BYTES = 1 << 20
"""The bytes of one read."""

MAX_LINE_BYTES = 64 * 1024
"""A longer line counts as several lines."""

DIGESTED_BYTES = 256
"""The bytes before the position that the digest covers."""


@frozen
class Position:
    """Where reading stopped."""

    device: int
    inode: int
    offset: int

    digest: str
    """The digest of the bytes before the offset."""


@frozen
class Progress:
    """The result of a read."""

    position: Position

    left: int = 0
    """The bytes that are still to be read."""

    broken: bool = False
    """Whether the file that was read before was not found, so that lines may be missing."""


def read(
    path: Path,
    position: Position | None,
    take: Callable[[bytes], object],
    most: int,
    *,
    from_start: bool = False,
) -> Progress:
    """Give each new line to `take`, and return where reading stopped.

    It stops after the line that passes `most` bytes. Without a position nothing is read, unless
    `from_start` is set. Raises `OSError`.
    """
    with OpenFile(path) as file:
        if position is None:
            start = 0 if from_start else _end_of_last_line(file)
            return _follow(file, start, take, most)
        if _continues(file, position):
            return _follow(file, position.offset, take, most)
        with ExitStack() as stack:
            former = _find_former(path, file, position)
            if former is None:
                return evolve(_follow(file, 0, take, most), broken=position.offset > 0)
            if former == path:  # replaced by a file that begins with the same bytes
                return _follow(file, position.offset, take, most)
            parts = []
            for each in _rotated_since(path, former):
                with suppress(FileNotFoundError):  # it was rotated again
                    start = position.offset if each == former else 0
                    parts.append((stack.enter_context(OpenFile(each)), start))
            return _follow_all([*parts, (file, 0)], take, most)


def _follow_all(
    parts: list[tuple[OpenFile, int]], take: Callable[[bytes], object], most: int
) -> Progress:
    """Read several files, each from its offset on. All but the last are finished."""
    for number, (file, offset) in enumerate(parts, 1):
        progress = _follow(file, offset, take, most, finished=number < len(parts))
        if progress.left:
            later = sum(each.status().st_size for each, _ in parts[number:])
            return evolve(progress, left=progress.left + later)
        most -= progress.position.offset - offset
    return progress


class OpenFile:
    """An open regular file. To read from a pipe or a device could take for ever."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(0, "it is not a regular file")
        self._descriptor = descriptor

    def status(self) -> os.stat_result:
        """Return what fstat says about it."""
        return os.fstat(self._descriptor)

    def at(self, offset: int, count: int) -> bytes:
        """Return `count` bytes from an offset on, fewer at the end of the file."""
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
    """Read a file from an offset on. A last line without an end counts only in a finished file."""
    end = offset + max(most, 0)
    for line in _lines(file, offset, finished=finished):
        if offset >= end:
            break
        take(line.rstrip(b"\r\n"))
        offset += len(line)
    status = file.status()
    position = Position(status.st_dev, status.st_ino, offset, _digest(file, offset))
    left = status.st_size - offset if offset >= end else 0
    return Progress(position, max(left, 0))


def _lines(file: OpenFile, offset: int, *, finished: bool) -> Iterator[bytes]:
    rest = b""
    while block := file.at(offset + len(rest), READ_BYTES):
        lines = _split(rest + block)
        rest = lines.pop()
        for line in lines:
            yield from _pieces(line)
            offset += len(line)
        whole = len(rest) - len(rest) % MAX_LINE_BYTES
        yield from _pieces(rest[:whole])
        offset += whole
        rest = rest[whole:]
    if rest and finished:
        yield rest


def _pieces(line: bytes) -> Iterator[bytes]:
    """Yield a line in parts that are not too long. Its line end does not become a part."""
    while len(line.rstrip(b"\r\n")) > MAX_LINE_BYTES:
        yield line[:MAX_LINE_BYTES]
        line = line[MAX_LINE_BYTES:]
    if line:
        yield line


def _split(text: bytes) -> list[bytes]:
    """Return the lines with their ends, then the bytes after the last end."""
    *lines, rest = text.split(b"\n")
    return [*(line + b"\n" for line in lines), rest]


def _end_of_last_line(file: OpenFile) -> int:
    size = file.status().st_size
    tail = file.at(max(size - MAX_LINE_BYTES, 0), MAX_LINE_BYTES)
    return size - len(tail) + tail.rfind(b"\n") + 1 if b"\n" in tail else size


def _continues(file: OpenFile, position: Position) -> bool:
    """Return whether this is the file that was read before, with the bytes that were read."""
    status = file.status()
    same = (status.st_dev, status.st_ino) == (position.device, position.inode)
    return same and _holds_what_was_read(file, position)


def _holds_what_was_read(file: OpenFile, position: Position) -> bool:
    large = file.status().st_size >= position.offset
    return large and _digest(file, position.offset) == position.digest


def _find_former(path: Path, file: OpenFile, position: Position) -> Path | None:
    """Return where the file that was read before is now, or None if it is gone.

    It may have been renamed, replaced, or copied before it was truncated. The number of its device
    may have changed with a restart of the host.
    """
    siblings = _siblings(path)
    for sibling in siblings:
        if _file_fits(sibling, position, _continues):
            return sibling
    # When nothing was read of a file, there is no digest. Only its inode tells it.
    if position.offset == 0:
        return None
    # A new file may begin with the same few lines. They count again.
    same_inode = file.status().st_ino == position.inode
    if (same_inode or position.offset >= DIGESTED_BYTES) and _holds_what_was_read(file, position):
        return path
    return next(
        (each for each in siblings if _file_fits(each, position, _holds_what_was_read)), None
    )


def _file_fits(path: Path, position: Position, how: Callable[[OpenFile, Position], bool]) -> bool:
    with suppress(OSError), OpenFile(path) as file:
        return how(file, position)
    return False


def _siblings(path: Path) -> list[Path]:
    """Return the files that rotation may have made of a log, the newest first.

    Examples are messages.1 and app-2026-01-01.log. The log may be a link that rotation points to a
    new file. Then files with names like that of its target count too.
    """
    target = path.resolve()
    found = []
    with os.scandir(target.parent) as entries:
        for entry in entries:
            named = entry.name.startswith(path.stem) or _without_numbers(
                entry.name
            ) == _without_numbers(target.name)
            if named and entry.name not in (path.name, target.name):
                with suppress(FileNotFoundError):  # it was rotated again
                    written = entry.stat(follow_symlinks=False).st_mtime_ns
                    found.append((written, entry.name))
    return [target.with_name(name) for _, name in sorted(found, reverse=True)]


def _rotated_since(path: Path, former: Path) -> list[Path]:
    """Return the former file and those that were rotated after it, the oldest first.

    Their names differ from its own only in numbers. Other files beside a log are not part of it.
    """
    siblings = _siblings(path)
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


def _digest(file: OpenFile, offset: int) -> str:
    start = max(offset - DIGESTED_BYTES, 0)
    return hashlib.sha256(file.at(start, offset - start)).hexdigest()[:16]
