"""Reads the lines that were appended to a log since the last time, through rotation and truncation.

Used by `log_pattern`. A position is where reading stopped, in which file, and a digest of what
stands before it: so a file that was renamed, copied, truncated or written anew is told apart.
Blocks, so call it in a thread.
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
MAX_LINE_BYTES = 64 * 1024
"""Bytes: what is longer counts as several lines."""

DIGESTED_BYTES = 256
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
    """Where reading has come to, and how many bytes are still to be read.

    `broken` means that what was read before is nowhere to be found: lines may be missing.
    """

    position: Position
    left: int = 0
    broken: bool = False


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
        with ExitStack() as stack:
            former = _find_former(path, file, position)
            if former is None:
                return evolve(_follow(file, 0, take, most), broken=position.offset > 0)
            if former == path:  # written anew with what it held before
                return _follow(file, position.offset, take, most)
            parts = []
            for each in _rotated_since(path, former):
                with suppress(FileNotFoundError):  # rotation goes on meanwhile
                    start = position.offset if each == former else 0
                    parts.append((stack.enter_context(OpenFile(each)), start))
            return _follow_all([*parts, (file, 0)], take, most)


def _follow_all(
    parts: list[tuple[OpenFile, int]], take: Callable[[bytes], object], most: int
) -> Progress:
    """Read files from an offset on, one after another; all but the last are finished."""
    for number, (file, offset) in enumerate(parts, 1):
        progress = _follow(file, offset, take, most, finished=number < len(parts))
        if progress.left:
            later = sum(each.status().st_size for each, _ in parts[number:])
            return evolve(progress, left=progress.left + later)
        most -= progress.position.offset - offset
    return progress


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
    """Yield a line in parts of which none is too long; its end makes no line of its own."""
    while len(line.rstrip(b"\r\n")) > MAX_LINE_BYTES:
        yield line[:MAX_LINE_BYTES]
        line = line[MAX_LINE_BYTES:]
    if line:
        yield line


def _split(text: bytes) -> list[bytes]:
    """Return the lines with their ends, and last what follows the last end."""
    *lines, rest = text.split(b"\n")
    return [*(line + b"\n" for line in lines), rest]


def _end_of_last_line(file: OpenFile) -> int:
    size = file.status().st_size
    tail = file.at(max(size - MAX_LINE_BYTES, 0), MAX_LINE_BYTES)
    return size - len(tail) + tail.rfind(b"\n") + 1 if b"\n" in tail else size


def _continues(file: OpenFile, position: Position) -> bool:
    """Return whether the file is the one that was read before, and still holds what was read."""
    status = file.status()
    same = (status.st_dev, status.st_ino) == (position.device, position.inode)
    return same and _holds_what_was_read(file, position)


def _holds_what_was_read(file: OpenFile, position: Position) -> bool:
    large = file.status().st_size >= position.offset
    return large and _digest(file, position.offset) == position.digest


def _find_former(path: Path, file: OpenFile, position: Position) -> Path | None:
    """Return what the file is now: renamed, written anew, or copied before it was truncated.

    None if it is gone. The number of a device may be another after a restart of the host.
    """
    siblings = _siblings(path)
    for sibling in siblings:
        if _file_fits(sibling, position, _continues):
            return sibling
    # Of a file of which nothing was read there is no digest: only its number tells it.
    if position.offset == 0:
        return None
    # A file of few lines may have been begun anew with the same ones: they count again.
    same_number = file.status().st_ino == position.inode
    if (same_number or position.offset >= DIGESTED_BYTES) and _holds_what_was_read(file, position):
        return path
    return next(
        (each for each in siblings if _file_fits(each, position, _holds_what_was_read)), None
    )


def _file_fits(path: Path, position: Position, how: Callable[[OpenFile, Position], bool]) -> bool:
    with suppress(OSError), OpenFile(path) as file:
        return how(file, position)
    return False


def _siblings(path: Path) -> list[Path]:
    """Return what rotation may have made of it, messages.1 or app-2026-01-01.log, newest first.

    Behind a link, which rotation lets point elsewhere, are those that are called like its target.
    """
    target = path.resolve()
    found = []
    with os.scandir(target.parent) as entries:
        for entry in entries:
            named = entry.name.startswith(path.stem) or _without_numbers(
                entry.name
            ) == _without_numbers(target.name)
            if named and entry.name not in (path.name, target.name):
                with suppress(FileNotFoundError):  # rotation goes on meanwhile
                    written = entry.stat(follow_symlinks=False).st_mtime_ns
                    found.append((written, entry.name))
    return [target.with_name(name) for _, name in sorted(found, reverse=True)]


def _rotated_since(path: Path, former: Path) -> list[Path]:
    """Return the former file, and what was rotated after it, the oldest first.

    Only names that differ from its own in numbers: beside a log may lie all sorts of things.
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
