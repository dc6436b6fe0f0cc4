"""Looks which files a pattern of paths stands for now. Used by `reading`.

Each directory and each link is looked at in a thread of its own: one that hangs takes no time from
the others.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

import trio
from attrs import define, field, frozen

from checks._common.deadlines import rounded
from checks._common.gather import gather
from checks._files.watched.names import is_pattern
from checks._logs.patterns.directory import Trouble
from checks._logs.patterns.listing import Listing, Steps, list_directory, subdirectories
from checks._logs.patterns.places import is_below
from supervisor.api import StillHanging, probe

T = TypeVar("T")

MAX_DIRECTORIES = 300
"""The most directories of a pattern that are looked at."""

MAX_FILES = 300
"""The most files of a pattern that are read: those that were written to last."""

_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""What a path says that leads nowhere."""

_limiter = trio.CapacityLimiter(16)
"""How many directories and links are looked at the same time."""


@frozen
class Link:
    """A symbolic link to a regular file."""

    path: str
    status: os.stat_result


@define
class Found:
    """What a pattern stands for now."""

    listings: dict[str, Listing] = field(factory=dict)
    links: list[Link] = field(factory=list)
    troubles: list[Trouble] = field(factory=list)

    is_there: bool = True
    """Whether the directory above all patterns is there."""

    @property
    def count(self) -> int:
        """How many files there are."""
        listings = self.listings.values()
        return sum(len(each.files) + len(each.older) for each in listings) + len(self.links)

    def is_unknown(self, path: str) -> bool:
        """Return whether something above a path, or the path itself, could not be looked at."""
        return not self.is_there or is_below(path, [each.path for each in self.troubles])


async def find(path: str, name: str, seconds: float) -> Found:
    """Return what a pattern of paths stands for. `name` is what threads that hang are called by.

    Each directory may take so many seconds. Hard links to one file count once, and so does a link
    to a file that fits itself.
    """
    search = _Search(name, seconds)
    steps = Steps.of(path)
    directories = [steps.start]
    for part in steps.between:
        directories = await search.below(directories, part)
        if len(directories) > MAX_DIRECTORIES:
            cause = f"it has {len(directories):,} directories, of which {MAX_DIRECTORIES} are read"
            search.found.troubles.append(Trouble(path, cause))
            del directories[MAX_DIRECTORIES:]
    await search.list_all(directories, steps.name)
    if not search.found.listings:
        search.found.is_there = await search.is_there(steps.start)
    return search.found


@define
class _Search:
    name: str
    seconds: float
    found: Found = field(factory=Found)

    async def below(self, directories: list[str], part: str) -> list[str]:
        """Return the directories in these ones that fit a part of the pattern."""
        if not is_pattern(part):
            return [os.path.join(each, part) for each in directories]

        async def look(directory: str) -> list[str]:
            names = await self.look("list", directory, partial(subdirectories, directory, part))
            return [os.path.join(directory, each) for each in names or ()]

        return [each for some in await gather(look, directories) for each in some]

    async def is_there(self, directory: str) -> bool:
        """Return whether a directory is there, or whether that cannot be told."""
        return bool(await self.look("stat", directory, partial(os.stat, directory)))

    async def list_all(self, directories: Iterable[str], pattern: str) -> None:
        """Add the files in these directories that fit."""

        async def look(directory: str) -> tuple[str, Listing | None]:
            call = partial(list_directory, directory, pattern, MAX_FILES)
            return directory, await self.look("list", directory, call)

        listed = [(each, what) for each, what in await gather(look, directories) if what]
        self.found.listings.update(listed)
        for directory, listing in listed:
            if listing.is_cut:
                self.found.troubles.append(Trouble(directory, "it holds too many names"))
        links = [os.path.join(each, link) for each, what in listed for link in what.links]
        known = {seen.key for _, what in listed for seen in what.files}
        for link in await gather(self._follow, links):
            if link and (key := (link.status.st_dev, link.status.st_ino)) not in known:
                known.add(key)
                self.found.links.append(link)

    async def _follow(self, path: str) -> Link | None:
        status = await self.look("stat", path, partial(os.stat, path))
        return Link(path, status) if status and stat.S_ISREG(status.st_mode) else None

    async def look(self, what: str, path: str, call: Callable[[], T]) -> T | None:
        """Return what a call finds. None if nothing is there, or if that is a trouble."""
        try:
            return await ask(f"{what} of {path} for {self.name}", self.seconds, call)
        except OSError as error:
            if error.errno not in _NOT_THERE:
                self.found.troubles.append(Trouble.of(path, error))
            return None


async def ask(key: str, seconds: float, call: Callable[[], T]) -> T:
    """Return what a blocking call returns; raises `TimeoutError` when it takes longer.

    The time counts from now on, not from the turn of this call: the run must come to its end.
    """
    try:
        with trio.fail_after(seconds):
            async with _limiter:
                return await probe(key, call)
    except (trio.TooSlowError, StillHanging):
        raise TimeoutError(f"no answer within {rounded(seconds)} s") from None
