"""Reads the lines that were appended to files of one directory since the last time.

Used by `reading`. The functions block, so call them in a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from attrs import define, evolve, field, frozen

from checks._logs.following import Part, first_position, follow, moved
from checks._logs.lines import OpenFile
from checks._logs.patterns.identity import Changed, identify, opened
from checks._logs.patterns.listing import Seen, list_directory
from checks._logs.patterns.places import Place
from checks._logs.position import DIGESTED_BYTES, Position, begin_of, holds_what_was_read

MAX_FORMER_FILES = 100
"""The most files of one directory that do not fit the pattern and are still looked at.

Rotation has renamed them, or they are gone and may come back.
"""


MAX_LISTINGS = 3
"""How often a directory is listed again that is changed while it is looked at."""


@frozen
class Trouble:
    """A file or directory that cannot be read."""

    path: str
    cause: str

    @classmethod
    def of(cls, path: object, error: OSError) -> Trouble:
        """Return what an error says."""
        return cls(str(path), error.strerror or str(error))


@frozen
class Reading:
    """The result of reading the files of a directory."""

    places: Sequence[Place] | None = ()
    """Where reading stopped. The most important stand first. None: nothing could be looked at."""

    left: int = 0
    """The bytes that are still to be read."""

    broken: tuple[str, ...] = ()
    """The paths of files that do not hold what was read of them, nor does any other file."""

    troubles: tuple[Trouble, ...] = ()

    refused: tuple[str, ...] = ()
    """Rotated files that this user may not read, and that are new or have grown."""


def read_directory(
    directory: Path,
    pattern: str,
    files: Sequence[Seen],
    known: Sequence[Place] | None,
    take: Callable[[bytes, str], object],
    most: int,
) -> Reading:
    """Give each new line and the path of its file to `take`, and return where reading stopped.

    `files` are those whose names fit the pattern. `known` is None at the first time: then only what
    comes later is new. `take` returns whether the line has counted. It stops after the line that
    passes `most` bytes. Raises `OSError`.
    """
    for _ in range(MAX_LISTINGS):
        try:
            found = identify(directory, pattern, files, known or (), strict=True)
            break
        except Changed:  # it is rotated in this moment
            files = list_directory(str(directory), pattern, len(files) + 1).files
    else:
        found = identify(directory, pattern, files, known or (), strict=False)
    run = _Run(directory, take, most, is_first=known is None)
    fitting = {seen.key for seen in files}
    for seen, place in sorted(found.files, key=lambda each: each[0].age_order):
        run.read(seen, place, is_rotated=seen.key not in fitting)
    newest_first = run.places[::-1]
    former = [place for place in newest_first if place.position.key not in fitting]
    # A file of few bytes cannot be told from another one that gets its inode. But it may be there:
    # a listing may miss a file that is renamed in that moment.
    known_before = {place.position.key for place in known or () if not place.gone}
    gone = [
        place
        for place in found.gone
        if place.position.offset >= DIGESTED_BYTES or place.position.key in known_before
    ]
    fitting_places = [place for place in newest_first if place.position.key in fitting]
    return Reading(
        places=[*fitting_places, *_bounded([*former, *gone])],
        left=run.left,
        broken=tuple(str(directory / name) for name in found.broken),
        troubles=tuple(run.troubles),
        refused=tuple(run.refused),
    )


def _bounded(former: Iterable[Place]) -> list[Place]:
    """Return the places to keep: all that are not read to their end, and the first others."""
    waiting = [place for place in former if not place.position.is_finished]
    finished = [place for place in former if place.position.is_finished]
    return [*waiting, *finished[:MAX_FORMER_FILES]]


@define
class _Run:
    directory: Path
    take: Callable[[bytes, str], object]
    most: int
    is_first: bool
    places: list[Place] = field(factory=list)
    left: int = 0
    troubles: list[Trouble] = field(factory=list)
    refused: list[str] = field(factory=list)

    def read(self, seen: Seen, place: Place | None, *, is_rotated: bool) -> None:
        """Read one file on, if it has grown."""
        if place and (place.copied or _is_unchanged(seen, place)):
            self.places.append(evolve(place, name=seen.name, gone=False))
            return
        try:
            with opened(self.directory, seen) as file:
                if place and not holds_what_was_read(file, place.position):
                    self.places.append(place)  # truncated in this moment: the next run will see it
                else:
                    self._read(file, seen, place)
        except FileNotFoundError:  # renamed in this moment: the next run will find it
            self._keep(place)
        except OSError as error:
            path = self.directory / seen.name
            if not is_rotated:
                self.troubles.append(Trouble.of(path, error))
                self._keep(place)
                return
            self.refused.append(str(path))  # it is said once for each size
            if place:
                position = evolve(place.position, size=seen.size, judged=seen.size)
                self.places.append(Place(seen.name, position))

    def _read(self, file: OpenFile, seen: Seen, place: Place | None) -> None:
        if place:
            part = moved(file, place.position)
        else:
            part = Part(file, first_position(file) if self.is_first else begin_of(file))
        take = partial(_taken, self.take, str(self.directory / seen.name))
        position, taken = follow(part, take, self.most, rotated=False)
        self.most -= taken
        if self.most <= 0:
            self.left += max(position.size - position.offset, 0)
        self.places.append(Place(seen.name, position))

    def _keep(self, place: Place | None) -> None:
        if place:
            self.places.append(place)


def _taken(take: Callable[[bytes, str], object], path: str, line: bytes) -> object:
    return take(line, path)


def _is_unchanged(seen: Seen, place: Place) -> bool:
    """Return whether a file is as it was, and was read to its end."""
    position: Position = place.position
    read = position.offset == seen.size or position.judged == position.size == seen.size
    return read and position.key == seen.key
