"""Finds the mounts that names stand for. Used by `usage`.

A name that is not in the mount table may still lead to a filesystem: through a symbolic link, or
because autofs mounts it when somebody looks at it. To look may take for ever on a dead server.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from functools import partial

import trio
from attrs import frozen

from checks._common.gather import gather
from checks._files.mounts import Mount, named, read_mounts
from checks._files.probing import probe_within
from checks._files.read_only import became_read_only
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


async def find(names: Sequence[str], seconds: float) -> list[Found]:
    """Return what each name stands for. Each may take so many seconds. Raises `OSError`."""
    listed = await probe("read of the mount table", partial(_listed, names))
    return await gather(partial(_looked_at, seconds=seconds), [*zip(names, listed, strict=True)])


def _listed(names: Sequence[str]) -> list[Found]:
    mounts = read_mounts()
    return [_found(named(name, mounts)) for name in names]


def _found(mounts: Sequence[Mount]) -> Found:
    read_only = frozenset(mount.number for mount in mounts if became_read_only(mount))
    return Found(tuple(mounts), read_only)


async def _looked_at(listed: tuple[str, Found], seconds: float) -> Found:
    name, found = listed
    if found.mounts or not name.startswith("/"):
        return found
    try:
        async with _limiter:
            return await probe_within(seconds, f"look at {name}", partial(_followed, name))
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return found
        return Found(trouble=error.strerror or str(error))


def _followed(name: str) -> Found:
    """Return what a path leads to. A filesystem that waits to be mounted is mounted by that."""
    path = os.path.realpath(name)
    mounts = read_mounts()
    found = named(path, mounts)
    if not found and _type_at(path, mounts) == AUTOFS:
        os.statvfs(path)
        found = named(path, read_mounts())
    return _found(found)


def _type_at(path: str, mounts: Sequence[Mount]) -> str:
    """Return the type of the filesystem that a path is on. Empty when it is not in the table."""
    above = [mount for mount in mounts if _contains(mount.mount_point, path)]
    return max(above, key=lambda mount: len(mount.mount_point)).kind if above else ""


def _contains(directory: str, path: str) -> bool:
    return f"{path}/".startswith(f"{directory.rstrip('/')}/")
