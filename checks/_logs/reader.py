"""Reads the lines that were appended to a log since the last time. Used by `log_pattern`.

A log is the file of its path, and the files that rotation has made of it: a writer may go on in one
of those until it opens the new file. The functions block, so call them in a thread.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from attrs import define, evolve, field, frozen

from checks._logs.following import Part, first_position, follow, moved
from checks._logs.lines import OpenFile
from checks._logs.position import (
    Position,
    begin_of,
    continues,
    holds_what_was_read,
)
from checks._logs.rotation import find, find_former, rotated_since, statuses_of_siblings
from supervisor.api import Json

MAX_FORMER_FILES = 16
"""The most rotated files, read to their end, that are still looked at."""


@frozen
class Known:
    """What a read leaves for the next one."""

    position: Position | None = None
    """Where reading the file of the log's path stopped."""

    former: tuple[Position, ...] = ()
    """The same for rotated files. Those that were written to last stand at the end."""

    def dump(self) -> Json:
        """Return it as JSON."""
        files = [*self.former, self.position] if self.position else [*self.former]
        return {"files": [each.dump() for each in files]}

    @classmethod
    def load(cls, value: Json) -> Known:
        """Return what a JSON value describes. Version 0.1.0 wrote the position of one file."""
        if not isinstance(value, dict):
            return cls(Position.load(value))
        files = value.get("files")
        found = [Position.load(each) for each in files] if isinstance(files, list) else []
        *former, position = found or [None]
        return cls(position, tuple(each for each in former if each is not None))


@frozen
class Progress:
    """The result of a read."""

    known: Known

    left: int = 0
    """The bytes that are still to be read."""

    broken: bool = False
    """Whether a file that was read before was not found, so that lines may be missing."""

    refused: tuple[Path, ...] = ()
    """Rotated files that have grown since they were read, and that this user may not read now."""


def read(
    path: Path,
    known: Known,
    take: Callable[[bytes], object],
    most: int,
    *,
    from_start: bool = False,
) -> Progress:
    """Give each new line to `take`, and return where reading stopped.

    `take` returns whether the line has counted. It stops after the line that passes `most` bytes.
    Without a position nothing is read, unless `from_start` is set. Raises `OSError`.

    A line without an end is given to `take` when the file has not grown since the last read, or is
    a rotated one. The whole line is given again when it is complete, unless it has counted.
    """
    with ExitStack() as stack:
        file = stack.enter_context(OpenFile(path))
        if known.position is None:
            start = begin_of(file) if from_start else first_position(file)
            return _read_all([Part(file, start)], take, most)
        there = _still_there(path, known.former, stack)
        taken_up = next((each for each in known.former if continues(file, each)), None)
        if continues(file, known.position):
            parts, broken = [Part(file, known.position)], False
        else:
            parts, broken = _rotated(path, file, known, stack)
            if taken_up is not None:  # an older file has got its name back
                parts[-1] = Part(file, taken_up)
        progress = _read_all([*there.parts, *parts], take, most, there.still)
        return evolve(progress, broken=there.gone or broken, refused=tuple(there.refused))


@define
class _StillThere:
    """The rotated files that were read before."""

    parts: list[Part] = field(factory=list)
    """Those to read on."""

    still: list[Position] = field(factory=list)
    """Those that are as they were."""

    refused: list[Path] = field(factory=list)
    """Those that have grown and that this user may not read."""

    gone: bool = False
    """Whether one is gone that was not read to its end."""


def _still_there(path: Path, known: Sequence[Position], stack: ExitStack) -> _StillThere:
    result = _StillThere()
    siblings = statuses_of_siblings(path) if known else []
    paths = [each for each, _ in siblings]
    by_inode = {(status.st_dev, status.st_ino): (each, status) for each, status in siblings}
    for position in known:
        sibling, status = by_inode.get((position.device, position.inode), (None, None))
        if position.is_finished and (status is None or status.st_size == position.size):
            result.still += [position] if status else []
            continue
        found = find(paths, position, continues)
        if found is None and position.offset and not position.is_finished:
            found = find(paths, position, holds_what_was_read)  # the device's number changed
        with suppress(OSError):
            if found is not None:
                result.parts.append(moved(stack.enter_context(OpenFile(found)), position))
                continue
        if sibling is not None and status is not None and not os.access(sibling, os.R_OK):
            result.refused.append(sibling)  # it is said once for each size
            size = status.st_size
            result.still.append(evolve(position, size=size, judged=size))
        elif not position.is_finished:
            result.gone = True
    return result


def _rotated(path: Path, file: OpenFile, known: Known, stack: ExitStack) -> tuple[list[Part], bool]:
    """Return the files to read when the log is another file than before, the oldest first.

    Also returns whether the file that was read before is gone.
    """
    position = known.position
    assert position is not None  # noqa: S101  # for the type checker
    found = find_former(path, file, position)
    if found is None:
        return [Part(file, begin_of(file))], position.offset > 0
    if found == path:  # replaced by a file that begins with the same bytes
        return [moved(file, position)], False
    parts = []
    for each in rotated_since(path, found):
        with suppress(FileNotFoundError):  # it was rotated again
            opened = stack.enter_context(OpenFile(each))
            if each == found:
                parts.append(moved(opened, position))
            elif not any(continues(opened, other) for other in known.former):
                parts.append(Part(opened, begin_of(opened)))
    return [*parts, Part(file, begin_of(file))], False


def _read_all(
    parts: Sequence[Part],
    take: Callable[[bytes], object],
    most: int,
    still: Sequence[Position] = (),
) -> Progress:
    """Read several files, the oldest first. The last one is that of the log's path.

    `still` are rotated files that need not be read.
    """
    positions, left = list[Position](), 0
    for number, part in enumerate(parts, 1):
        position, taken = follow(part, take, most, rotated=number < len(parts))
        most -= taken
        positions.append(position)
        if most <= 0:
            left += max(position.size - position.offset, 0)
    *former, position = [*still, *positions]
    finished = [each for each in former if each.is_finished][-MAX_FORMER_FILES:]
    kept = [each for each in former if each in finished or not each.is_finished]
    return Progress(Known(position, tuple(kept)), left)
