"""Finds the newest files that fit a pattern. However many there are, few are kept in memory.

A pattern is that of a shell: a `*` stands for no slash, and for no dot at the beginning of a name.
The functions block, so call them in a thread.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from attrs import define, frozen

from checks._files.watched.ages import AgeBy, age
from checks._files.watched.names import is_pattern, matcher

MAX_ENTRIES = 1_000_000
"""Entries of directories that are looked at for one pattern, at most."""

Status: TypeAlias = os.stat_result
"""What the kernel says of a file."""


class Match(NamedTuple):
    """A file that fits. The newer one is greater."""

    since: float
    """When its age begins, in Unix seconds; never in the future."""

    path: str
    status: Status

    @property
    def inode(self) -> tuple[int, int]:
        """What tells it from other files, whatever they are called."""
        return self.status.st_dev, self.status.st_ino


@frozen
class Found:
    """What fits a pattern."""

    newest: Match | None = None
    before: Match | None = None
    """The one before the newest."""

    count: int = 0
    """How many files fit, those that do not count yet apart."""

    unsettled: int = 0
    """How many are too new to count."""

    trouble: str = ""
    """Why something could not be looked at."""


def find(pattern: str, age_by: AgeBy, now: float, settled: float = 0.0) -> Found:
    """Return the newest files that fit the pattern.

    Only regular files count, and no links. A file whose age is below `settled` does not count.
    Raises `OSError` when there are too many entries to tell, and when nothing was found and
    something could not be looked at.
    """
    search, count, unsettled = _Search(MAX_ENTRIES), 0, 0
    newest: Match | None = None
    before: Match | None = None
    for path, status in search.files(pattern):
        if not stat.S_ISREG(status.st_mode):
            continue
        old = age(status, age_by, now)
        if old < settled:
            unsettled += 1
            continue
        count += 1
        if before is not None and now - old < before.since:
            continue
        match = Match(now - old, path, status)
        if newest is None or match > newest:
            # Through a link to a directory one file may have two paths.
            before = before if newest and newest.inode == match.inode else newest
            newest = match
        elif match.inode != newest.inode and (before is None or match > before):
            before = match
    if newest is None and search.error is not None:
        raise search.error
    error = search.error
    trouble = "" if error is None else f"{error.filename or pattern}: {error.strerror or error}"
    return Found(newest, before, count=count, unsettled=unsettled, trouble=trouble)


@define
class _Search:
    """One walk along a pattern. It ends when it has looked at so many entries."""

    left: int
    """How many more entries it may look at."""

    error: OSError | None = None
    """The first thing that could not be looked at."""

    def files(self, pattern: str) -> Iterator[tuple[str, Status]]:
        """Yield what fits the pattern, of any kind. A link is not followed."""
        yield from self._below("/", [part for part in pattern.split("/") if part])

    def _below(self, directory: str, parts: list[str]) -> Iterator[tuple[str, Status]]:
        while len(parts) > 1 and not is_pattern(parts[0]):
            directory, parts = os.path.join(directory, parts[0]), parts[1:]
        fits, rest = matcher(parts[:1]), parts[1:]
        hidden = parts[0].startswith(".")
        for entry in self._entries(directory):
            if not fits(entry.name) or (entry.name.startswith(".") and not hidden):
                continue
            try:
                if not rest:
                    yield entry.path, entry.stat(follow_symlinks=False)
                elif entry.is_dir():
                    yield from self._below(entry.path, rest)
            except FileNotFoundError:  # it has just been removed
                continue
            except _TooManyError:
                raise
            except OSError as error:
                self.error = self.error or error

    def _entries(self, directory: str) -> Iterator[os.DirEntry[str]]:
        try:
            entries = os.scandir(directory)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            self.error = self.error or error
            return
        with entries:
            for entry in entries:
                self.left -= 1
                if self.left < 0:
                    raise _TooManyError(f"more than {MAX_ENTRIES:,} entries; narrow the pattern")
                yield entry


class _TooManyError(OSError):
    """The pattern leads to too many entries."""
