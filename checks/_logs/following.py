"""Reads one open file from a position on. Used by `reader` and `directory`.

The functions block, so call them in a thread.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve, frozen

from checks._logs.lines import OpenFile, end_of_last_line, lines, texts, unended
from checks._logs.position import Position, begin_of, digest_of, has_counted


@frozen
class Part:
    """A file that is read from a position on."""

    file: OpenFile
    start: Position


def moved(file: OpenFile, position: Position) -> Part:
    """Return a file that takes over the position of another."""
    status = file.status()
    return Part(file, evolve(position, device=status.st_dev, inode=status.st_ino))


def first_position(file: OpenFile) -> Position:
    """Return the position after the last line that is there at the first look."""
    offset, size = end_of_last_line(file), file.status().st_size
    digest = digest_of(file, offset)
    return evolve(begin_of(file), offset=offset, digest=digest, size=size, judged=size)


def follow(
    part: Part, take: Callable[[bytes], object], most: int, *, rotated: bool
) -> tuple[Position, int]:
    """Read a file. Return where reading stopped, and how many bytes were read."""
    file, start = part.file, part.start
    offset, taken, at_end, counted = start.offset, 0, most > 0, has_counted(file, start)
    for raw, after in lines(file, offset) if at_end else ():
        if taken >= most:
            at_end = False
            break
        found = texts(raw)
        for text in () if counted else found:
            take(text)
        counted = counted and not found
        offset, taken = after, taken + len(raw)
    size = file.status().st_size
    judged = start.judged if offset == start.offset else 0
    if at_end and size > judged and (rotated or size == start.size):
        if not counted:
            counted = any(list(map(take, texts(unended(file, offset)))))
        judged = size
    digest = digest_of(file, offset)
    counted_digest = digest_of(file, judged) if counted else ""
    return evolve(
        start, offset=offset, digest=digest, size=size, judged=judged, counted=counted_digest
    ), taken
