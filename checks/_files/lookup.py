"""Finds the mounts that names stand for. Used by `usage`.

A name that is not in the mount table may still lead to a filesystem: through a symbolic link, or
because autofs mounts it when somebody looks at it. To look may take for ever on a dead server.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Sequence
from functools import partial

import trio
from attrs import evolve, frozen

from checks._common.gather import gather
from checks._files.filesystems import Filesystem
from checks._files.mounts import Mount, named, read_mounts
from checks._files.probing import probe_within
from checks._files.read_only import became_read_only
from checks._files.real import is_excepted, real
from supervisor.api import probe

AUTOFS = "autofs"
"""The type of a directory whose filesystems are mounted when somebody looks at them."""

_limiter = trio.CapacityLimiter(16)
"""How many names are looked at the same time. The time of a name begins at its turn."""


@frozen
class Found:
    """What a name stands for."""

    mounts: tuple[Mount, ...] = ()

    read_only: frozenset[int] = frozenset()
    """The numbers of the mounts that became read-only after an error."""

    trouble: str = ""
    """Why it cannot be told."""


async def find(
    filesystems: Sequence[Filesystem], seconds: float, writable: Collection[str] = ()
) -> list[Found]:
    """Return what each name stands for. Each may take so many seconds. Raises `OSError`.

    `writable` has the identities of mounts that are to be writable. What another name stands for,
    "*" does not.
    """
    listed = await probe(
        "read of the mount table", partial(_listed, filesystems, frozenset(writable))
    )
    found = await gather(
        partial(_looked_at, seconds=seconds, writable=frozenset(writable)),
        [*zip(filesystems, listed, strict=True)],
    )
    pairs = [*zip(filesystems, found, strict=True)]
    taken = {
        mount.filesystem for wanted, each in pairs if not wanted.is_each for mount in each.mounts
    }
    return [_without(each, taken) if wanted.is_each else each for wanted, each in pairs]


def _without(found: Found, taken: Collection[tuple[str, str]]) -> Found:
    left = tuple(mount for mount in found.mounts if mount.filesystem not in taken)
    return evolve(found, mounts=left)


def _listed(filesystems: Sequence[Filesystem], writable: frozenset[str]) -> list[Found]:
    mounts = read_mounts()
    return [_found(_mounts_of(filesystem, mounts), writable) for filesystem in filesystems]


def _mounts_of(filesystem: Filesystem, mounts: Sequence[Mount]) -> Sequence[Mount]:
    if not filesystem.is_each:
        return named(filesystem.filesystem, mounts)
    return [mount for mount in real(mounts) if not is_excepted(mount, filesystem.except_)]


def _found(mounts: Sequence[Mount], writable: frozenset[str]) -> Found:
    read_only = frozenset(
        mount.number
        for mount in mounts
        if became_read_only(mount, was_writable=mount.identity in writable)
    )
    return Found(tuple(mounts), read_only)


async def _looked_at(
    listed: tuple[Filesystem, Found], seconds: float, writable: frozenset[str]
) -> Found:
    filesystem, found = listed
    name = filesystem.filesystem
    if found.mounts or not name.startswith("/"):
        return found
    try:
        async with _limiter:
            call = partial(_followed, name, writable)
            return await probe_within(seconds, f"look at {name}", call)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return found
        return Found(trouble=error.strerror or str(error))


def _followed(name: str, writable: frozenset[str]) -> Found:
    """Return what a path leads to. A filesystem that waits to be mounted is mounted by that."""
    path = os.path.realpath(name)
    mounts = read_mounts()
    found = named(path, mounts)
    if not found and _type_at(path, mounts) == AUTOFS:
        os.statvfs(path)
        found = named(path, read_mounts())
    return _found(found, writable)


def _type_at(path: str, mounts: Sequence[Mount]) -> str:
    """Return the type of the filesystem that a path is on. Empty when it is not in the table."""
    above = [mount for mount in mounts if _contains(mount.mount_point, path)]
    return max(above, key=lambda mount: len(mount.mount_point)).kind if above else ""


def _contains(directory: str, path: str) -> bool:
    return f"{path}/".startswith(f"{directory.rstrip('/')}/")
