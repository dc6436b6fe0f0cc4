"""Finds out which files of a directory were read before, and how far. Used by `directory`.

A file is known by its device, its inode and the bytes before the place where reading stopped. A
copy is known by these bytes, and by a name that is like that of the file that was copied. The
functions block, so call them in a thread.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from attrs import define, evolve, field, frozen

from checks._logs.lines import OpenFile
from checks._logs.patterns.listing import COMPRESSED, Seen, fitting, list_akin
from checks._logs.patterns.places import Place
from checks._logs.position import DIGESTED_BYTES, Position, digest_of, holds_what_was_read


class Changed(Exception):
    """A file has lost its name since the directory was listed."""


@frozen
class Identified:
    """What is known of the files of a directory."""

    files: tuple[tuple[Seen, Place | None], ...]
    """The files to follow, each with its place. Without one, the file is new."""

    gone: tuple[Place, ...] = ()
    """Places whose files are not there."""

    broken: tuple[str, ...] = ()
    """The names of files that do not hold what was read of them, nor does any other file."""


def identify(
    directory: Path, pattern: str, files: Sequence[Seen], known: Sequence[Place], *, strict: bool
) -> Identified:
    """Return which file each place belongs to now. `files` are those that fit the pattern.

    With `strict`, raises `Changed` when a file has lost its name. Else that file is left alone.

    Files that do not fit are followed when they hold what was read before: rotation has renamed or
    copied them. Files that were rotated after them are followed, too.
    """
    search = _Search(directory, fitting(pattern), files, strict=strict)
    search.match(known)
    if search.lost:
        there = {seen.key for seen in files}
        akin = _Akin([place.name for place in search.lost])
        search.others = [
            seen
            for seen in list_akin(str(directory), akin.fits)
            if seen.key not in there and not seen.name.endswith(COMPRESSED)
        ]
        search.match(search.lost)
    search.find_copies()
    search.find_copies_of_read_files()
    return search.result()


@define
class _Search:
    directory: Path
    fits: Callable[[str], bool]
    """Tells whether a name fits the pattern."""

    files: Sequence[Seen]
    strict: bool
    others: Sequence[Seen] = ()
    """Files that do not fit the pattern, with names like those of lost ones."""

    places: dict[tuple[int, int], Place] = field(factory=dict)
    """The places of files that were identified."""

    lost: list[Place] = field(factory=list)
    """The places whose files are gone, or do not hold any more what was read."""

    explained: list[Place] = field(factory=list)
    """Those of the lost places that lose no line."""

    @property
    def seen(self) -> Sequence[Seen]:
        """All files, those that were written to last first."""
        return sorted([*self.files, *self.others], key=lambda seen: seen.age_order, reverse=True)

    def match(self, known: Sequence[Place]) -> None:
        """Give each place to the file with its inode, if that holds what was read of it."""
        by_key = {seen.key: seen for seen in self.seen}
        by_inode = {seen.key[1]: seen for seen in self.seen}
        self.lost = []
        for place in known:
            seen = by_key.get(place.position.key)
            if seen is None and place.position.offset:  # the device's number changed
                seen = by_inode.get(place.position.inode)
            if (
                seen
                and seen.key not in self.places
                and self._holds(seen, place.position, unknown=True)
            ):
                self.places[seen.key] = place
            else:
                self.lost.append(place)

    def find_copies(self) -> None:
        """Give the place of a file that was copied and truncated, or replaced, to its copy."""
        truncated = {seen.key for seen in self.seen}
        seen_now = self.seen
        for place in sorted(self.lost, key=lambda each: each.position.offset, reverse=True):
            position = place.position
            least = 1 if position.key in truncated else DIGESTED_BYTES
            akin = _Akin([place.name])
            for seen in seen_now if position.offset >= least else ():
                if not akin.fits(seen.name) or not self._holds(seen, position):
                    continue
                self.explained.append(place)
                present = self.places.get(seen.key)
                if present is None or present.copied:
                    self.places[seen.key] = Place(place.name, position)
                break

    def find_copies_of_read_files(self) -> None:
        """Mark the files that are copies of others, which are there and are read themselves.

        While a large log is copied and truncated, its copy is there and grows.
        """
        originals = [
            (seen, _Akin([place.name]))
            for seen in self.seen
            if (place := self.places.get(seen.key)) and not place.copied
        ]
        for seen in self.files:
            place = self.places.get(seen.key)
            if (place and not place.copied) or seen.size < DIGESTED_BYTES:
                continue
            if digest := next(
                (
                    digest
                    for original, akin in originals
                    if seen.size <= original.size
                    and akin.fits(seen.name)
                    and (digest := self._common_digest(seen, original))
                ),
                "",
            ):
                position = Position(*seen.key, seen.size, digest, seen.size)
                self.places[seen.key] = Place(seen.name, position, copied=True)
            elif place:  # the other file is gone
                self.places[seen.key] = evolve(place, copied=False)

    def _common_digest(self, copy: Seen, original: Seen) -> str:
        with (
            suppress(OSError),
            opened(self.directory, copy) as one,
            opened(self.directory, original) as other,
        ):
            begin, digest = DIGESTED_BYTES, digest_of(one, copy.size)
            if digest_of(one, begin) == digest_of(other, begin):
                return digest if digest == digest_of(other, copy.size) else ""
        return ""

    def result(self) -> Identified:
        """Return what was found."""
        used = [seen for seen in self.others if seen.key in self.places]
        later = [*self._rotated_later(used)]
        found = [(seen, self.places.get(seen.key)) for seen in (*self.files, *used, *later)]
        new = {seen.name for seen in self.files if seen.key not in self.places}
        there = {seen.key for seen in self.seen}
        gone, broken = list[Place](), list[str]()
        for place in self.lost:
            position = place.position
            if place in self.explained or place.copied:
                continue
            if position.key not in there:
                gone.append(evolve(place, gone=True))
            if place.gone:
                continue
            if not position.is_finished or (position.offset and place.name in new):
                broken.append(place.name)
        return Identified(tuple(found), tuple(gone), tuple(broken))

    def _rotated_later(self, used: Sequence[Seen]) -> Iterator[Seen]:
        """Yield unknown files that were rotated after one that does not fit any more."""
        oldest = dict[str, int]()
        for seen in used:
            if self.fits(self.places[seen.key].name):
                name, time = without_numbers(seen.name), seen.status.st_mtime_ns
                oldest[name] = min(time, oldest.get(name, time))
        for seen in self.others:
            time = oldest.get(without_numbers(seen.name), seen.status.st_mtime_ns)
            if seen.key not in self.places and seen.status.st_mtime_ns > time:
                yield seen

    def _holds(self, seen: Seen, position: Position, *, unknown: bool = False) -> bool:
        """Return whether a file has the bytes that were read. `unknown`: if that cannot be told."""
        try:
            with opened(self.directory, seen) as file:
                return holds_what_was_read(file, position)
        except FileNotFoundError:
            if self.strict:
                raise Changed from None
            return unknown
        except OSError:
            return unknown


@contextmanager
def opened(directory: Path, seen: Seen) -> Iterator[OpenFile]:
    """Open a file that was seen. Raises `FileNotFoundError` if it has lost its name since."""
    path = directory / seen.name
    with OpenFile(path) as file:
        status = file.status()
        if (status.st_dev, status.st_ino) != seen.key:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        yield file


class _Akin:
    """The names that rotation may give to some files, such as app.log.1 or app-2026-01-01.log."""

    def __init__(self, names: Sequence[str]) -> None:
        self._stems = tuple({Path(name).stem for name in names})
        self._without_numbers = {without_numbers(name) for name in names}

    def fits(self, name: str) -> bool:
        """Return whether a name is like one of theirs."""
        return name.startswith(self._stems) or without_numbers(name) in self._without_numbers


@lru_cache(4096)
def without_numbers(name: str) -> str:
    """Return a name in which all numbers are the same."""
    return re.sub(r"[0-9]+", "0", name)
