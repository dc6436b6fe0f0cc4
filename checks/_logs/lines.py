"""Cuts an open log into lines. Used by `reader`.

Bytes that the log's writer did not write are not text: holes, and the NULs that a hole or a crash
leaves between lines. The functions block, so call them in a thread.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

READ_BYTES = 1 << 20
"""The bytes of one read."""

MAX_LINE_BYTES = 64 * 1024
"""A longer line counts as several lines."""


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

    def next_data(self, offset: int) -> int | None:
        """Return where the first byte is that was written, from an offset on. None without any.

        A filesystem that does not tell holes from data says that all of the file was written.
        """
        try:
            return os.lseek(self._descriptor, offset, os.SEEK_DATA)
        except OSError as error:
            return None if error.errno == errno.ENXIO else offset

    def close(self) -> None:
        """Close it."""
        os.close(self._descriptor)

    def __enter__(self) -> OpenFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Line(NamedTuple):
    """A line that is complete, or a part of one that is too long."""

    raw: bytes
    """Its bytes, with its end."""

    after: int
    """The offset of the byte that follows it."""


def lines(file: OpenFile, offset: int) -> Iterator[Line]:
    """Yield the complete lines from an offset on, and what was not written between them."""
    rest, at = b"", offset
    while block := file.at(at, READ_BYTES):
        if not block.strip(b"\0"):
            written = file.next_data(at)
            blank = len(block) if written == at else 0
            if written is None or 0 < blank < READ_BYTES:
                return  # the writer may still fill this in
            yield Line(rest, at)  # text before a hole: its writer goes on elsewhere
            rest, at = b"", written + blank
            yield Line(block[:blank], at)
            continue
        after, at = at - len(rest), at + len(block)
        *complete, rest = (rest + block).split(b"\n")
        for line in complete:
            pieces = (line + b"\n",) if len(line) < MAX_LINE_BYTES else _pieces(line + b"\n")
            for piece in pieces:
                after += len(piece)
                yield Line(piece, after)
        for piece in _pieces_of_unended(rest):
            after += len(piece)
            yield Line(piece, after)
        rest = rest[len(rest) - (at - after) :]


def _pieces_of_unended(rest: bytes) -> Iterator[bytes]:
    """Yield what may be taken of a line before its end is there: NULs before it, whole parts."""
    text = rest.strip(b"\0")
    if text:
        yield rest[: rest.index(text)]
        for start in range(0, len(text) - len(text) % MAX_LINE_BYTES, MAX_LINE_BYTES):
            yield text[start : start + MAX_LINE_BYTES]


def _pieces(line: bytes) -> Iterable[bytes]:
    """Yield a line in parts that are not too long. Its line end does not become a part."""
    if len(line) > MAX_LINE_BYTES and (blank := len(line) - len(line.lstrip(b"\0"))):
        yield line[:blank]
        line = line[blank:]
    while len(line.rstrip(b"\r\n")) > MAX_LINE_BYTES:
        yield line[:MAX_LINE_BYTES]
        line = line[MAX_LINE_BYTES:]
    if line:
        yield line


def texts(raw: bytes) -> list[bytes]:
    """Return the text of a line, without its end. NULs may separate it into several, or be all."""
    line = raw.rstrip(b"\r\n")
    if raw and b"\0" not in line:
        return [line]
    return [text for part in line.split(b"\0\0") if (text := part.strip(b"\0"))]


def unended(file: OpenFile, offset: int) -> bytes:
    """Return the text from the end of the last complete line on."""
    return file.at(offset, MAX_LINE_BYTES).rstrip(b"\0")


def end_of_last_line(file: OpenFile) -> int:
    """Return the offset after the last complete line."""
    size = file.status().st_size
    tail = file.at(max(size - MAX_LINE_BYTES, 0), MAX_LINE_BYTES)
    return size - len(tail) + tail.rfind(b"\n") + 1 if b"\n" in tail else size
