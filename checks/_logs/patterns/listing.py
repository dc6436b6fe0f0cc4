"""Finds the files that a pattern of paths stands for. Used by `reading`.

The functions block, so call them in a thread. None looks at what a link leads to.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from attrs import frozen

from checks._files.watched.names import is_pattern, matcher

MAX_NAMES = 100_000
"""The most names of one directory that are looked at."""

COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".lzma", ".Z", ".zip")
"""How the names of compressed files end. They were read before they were compressed."""


@frozen
class Seen:
    """A regular file that was found in a directory."""

    name: str
    status: os.stat_result

    @property
    def key(self) -> tuple[int, int]:
        """What tells it from other files, whatever its name is."""
        return self.status.st_dev, self.status.st_ino

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return self.status.st_size

    @property
    def age_order(self) -> tuple[int, str]:
        """The file that was written to last comes last."""
        return self.status.st_mtime_ns, self.name


@frozen
class Listing:
    """What a directory holds that fits the last part of a pattern."""

    files: tuple[Seen, ...] = ()
    """The files that were written to last."""

    older: tuple[float, ...] = ()
    """When each of the others was written to last, in Unix seconds."""

    links: tuple[str, ...] = ()
    """The names of symbolic links."""

    is_cut: bool = False
    """Whether it holds more names than are looked at."""


@frozen
class Steps:
    """A pattern of paths in its parts."""

    start: str
    """The directory above all patterns."""

    between: tuple[str, ...]
    """The patterns and names of the directories below it."""

    name: str
    """The pattern or name of the files."""

    @classmethod
    def of(cls, path: str) -> Steps:
        """Return the parts of an absolute path."""
        *above, name = PurePosixPath(path).parts
        first = next((n for n, part in enumerate(above) if is_pattern(part)), len(above))
        return cls(str(PurePosixPath(*above[:first])), tuple(above[first:]), name)


def fitting(pattern: str) -> Callable[[str], bool]:
    """Return a function that tells whether a name fits. Hidden names need a pattern with a dot."""
    match, hidden = matcher([pattern]), pattern.startswith(".")
    return lambda name: (hidden or name[:1] != ".") and match(name) is not None


def list_directory(directory: str, pattern: str, most: int) -> Listing:
    """Return the links and at most `most` files whose names fit. Raises `OSError`.

    Compressed files, directories, pipes, sockets and devices are left out.
    """
    fits = fitting(pattern)
    files, links, looked_at = dict[tuple[int, int], Seen](), [], 0
    with os.scandir(directory) as entries:
        for looked_at, entry in enumerate(entries, 1):
            if looked_at > MAX_NAMES:
                break
            if not fits(entry.name) or entry.name.endswith(COMPRESSED):
                continue
            if entry.is_symlink():
                links.append(entry.name)
            elif seen := _seen(entry):
                files[seen.key] = min(seen, files.get(seen.key, seen), key=lambda each: each.name)
    newest_first = sorted(files.values(), key=lambda seen: seen.age_order, reverse=True)
    return Listing(
        files=tuple(newest_first[:most]),
        older=tuple(seen.status.st_mtime for seen in newest_first[most:]),
        links=tuple(sorted(links)),
        is_cut=looked_at > MAX_NAMES,
    )


def list_akin(directory: str, fits: Callable[[str], bool]) -> Iterator[Seen]:
    """Yield the regular files whose names fit. Raises `OSError`."""
    with os.scandir(directory) as entries:
        for looked_at, entry in enumerate(entries):
            if looked_at == MAX_NAMES:
                return
            if fits(entry.name) and not entry.is_symlink() and (seen := _seen(entry)):
                yield seen


def subdirectories(directory: str, pattern: str) -> list[str]:
    """Return the names of the directories in a directory that fit, without links."""
    fits = fitting(pattern)
    found = []
    with os.scandir(directory) as entries:
        for looked_at, entry in enumerate(entries):
            if looked_at == MAX_NAMES:
                break
            if fits(entry.name) and entry.is_dir(follow_symlinks=False):
                found.append(entry.name)
    return sorted(found)


def _seen(entry: os.DirEntry[str]) -> Seen | None:
    """Return a file that is still there. None for one that is not a regular file."""
    try:
        if not entry.is_file(follow_symlinks=False):
            return None
        return Seen(entry.name, entry.stat(follow_symlinks=False))
    except FileNotFoundError:  # it was rotated or removed in this moment
        return None
