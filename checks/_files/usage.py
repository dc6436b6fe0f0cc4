"""How full filesystems are. Used by `disk`, `inode` and the daily report.

Each mount is asked in a thread of its own, since statvfs on a dead server never returns. A mount
that does not answer has a condition of its own. The others are judged as usual.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Generic, TypeAlias, TypeVar

import trio
from attrs import evolve, frozen

from checks._common.gather import gather
from checks._common.printable import shown
from checks._common.sizes import size
from checks._files.filesystems import Filesystem
from checks._files.lookup import Found, find
from checks._files.mounts import Mount
from checks._files.probing import probe_within
from checks._files.read_only import keep, recalled
from supervisor.api import Condition, Context, Measurement

F = TypeVar("F", bound=Filesystem)
"""The entries of a check's parameters."""

_limiter = trio.CapacityLimiter(16)
"""How many mounts are asked at the same time.

The timeout of a mount starts when it gets one of the 16 places. So mounts that hang do not use up
the time of others.
"""


@frozen
class Usage:
    """How much of a filesystem is used."""

    percent: int

    full: str
    """What is used, in words: "is 91 % full"."""

    left: str
    """What is free, in words: "36.0 KiB free"."""

    measurements: tuple[Measurement, ...]

    used: int = 0
    """What is used, as a number of bytes or inodes."""

    free: int = 0
    """What is free, as a number of bytes or inodes."""


Judge: TypeAlias = Callable[[Mount, os.statvfs_result], Usage | None]
"""Computes the usage from what statvfs returned. Returns None if the filesystem has no size."""


@frozen
class MountReading:
    """What is known of one mount."""

    mount: Mount
    usage: Usage | None = None

    trouble: str = ""
    """Why it gave no answer."""


@frozen
class Watched(Generic[F]):
    """An entry that is watched, with what it stands for."""

    filesystem: F
    found: Found
    readings: tuple[MountReading, ...]


def use_percent(used: int, available: int) -> int | None:
    """Return how much is used, rounded up as in `df`. None when there is nothing to use."""
    used, available = max(used, 0), max(available, 0)
    return -(-100 * used // (used + available)) if used + available else None


async def look(
    context: Context, filesystems: Sequence[F], seconds: float, judge: Judge
) -> tuple[list[Watched[F]], list[Measurement]]:
    """Return what is known of each entry that is watched, and the measurements of all entries.

    Each mount may take so many seconds to answer.
    """
    writable = recalled(context.state)
    found = await find(filesystems, seconds, writable)
    pairs = [*zip(filesystems, found, strict=True)]
    by_number = {mount.number: mount for each in found for mount in each.mounts}
    answers = await gather(partial(ask, seconds=seconds, judge=judge), by_number.values())
    readings = {reading.mount.number: reading for reading in answers if reading is not None}
    watched = [
        Watched(filesystem, each, tuple(_of(each, readings)))
        for filesystem, each in pairs
        if filesystem.is_watched
    ]
    judged = (each for each in watched if not each.filesystem.read_only)
    keep(context.state, (mount for each in judged for mount in each.found.mounts), writable)
    limits = {
        mount.number: each.filesystem.max_use_percent.numbers
        for each in watched
        for mount in each.found.mounts
    }
    measured = [
        item
        for number, reading in sorted(readings.items())
        if reading.usage
        for item in _measured(reading.usage, limits.get(number, ()))
    ]
    return watched, measured


def _of(found: Found, readings: Mapping[int, MountReading]) -> Iterator[MountReading]:
    return (readings[mount.number] for mount in found.mounts if mount.number in readings)


async def ask(mount: Mount, seconds: float, judge: Judge) -> MountReading | None:
    """Return what is known of the mount. None when it is no longer mounted.

    The seconds that it may take to answer begin at its turn.
    """
    call = partial(os.statvfs, mount.mount_point)
    try:
        async with _limiter:
            name = f"statvfs of {mount.mount_point} (mount {mount.number})"
            answer = await probe_within(seconds, name, call)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return None
        return MountReading(mount, trouble=error.strerror or str(error))
    return MountReading(mount, judge(mount, answer))


def _measured(usage: Usage, limits: tuple[int, ...]) -> Iterator[Measurement]:
    for item in usage.measurements:
        yield evolve(item, limits=limits) if item.unit == "%" else item


def conditions(watched: Watched[F], alertname: str) -> Iterator[Condition]:
    """Yield the conditions of an entry. `alertname` is for what is too full."""
    filesystem, found = watched.filesystem, watched.found
    name, labels = filesystem.filesystem, filesystem.labels
    if found.trouble:
        message = f"{name} does not respond: {found.trouble}"
        yield Condition("Filesystem not responding", "E", name, message, labels=labels)
    elif not watched.readings and not filesystem.is_each:
        message = f"{name} is not mounted"
        yield Condition("Filesystem not mounted", "E", name, message, labels=labels)
    for reading in watched.readings:
        mount, usage = reading.mount, reading.usage
        where, device = shown(mount.mount_point), shown(mount.source)
        if mount.number in found.read_only and not filesystem.read_only:
            message = (
                f"{where} is read-only, though it was mounted to be written to, device {device}"
            )
            yield Condition("Filesystem read-only", "E", mount.mount_point, message, labels=labels)
        if reading.trouble:
            yield Condition(
                "Filesystem not responding",
                "E",
                mount.mount_point,
                f"{where} does not respond: {reading.trouble}, device {device}",
                labels=labels,
            )
        elif usage is not None:
            limit = filesystem.max_use_percent
            if crossing := limit.above(usage.percent, filesystem.event_type):
                message = (
                    f"{where} {usage.full} (limit {limit.words('{} %'.format)}), "
                    f"{usage.left}, device {device}"
                )
                yield crossing.condition(alertname, mount.mount_point, message, labels=labels)


def space(mount: Mount, answer: os.statvfs_result) -> Usage | None:
    """Return how much space is used. Space that only root may use is neither used nor free."""
    used, available = answer.f_blocks - answer.f_bfree, answer.f_bavail
    percent = use_percent(used, available) if answer.f_blocks else None
    if percent is None:
        return None
    free = available * answer.f_frsize
    labels = {"mount_point": mount.mount_point}
    return Usage(
        percent,
        f"is {percent} % full",
        f"{size(free)} free",
        (
            Measurement("disk_use_percent", percent, "%", labels),
            Measurement("disk_free_bytes", free, "B", labels),
        ),
        used=used * answer.f_frsize,
        free=free,
    )


def inodes(mount: Mount, answer: os.statvfs_result) -> Usage | None:
    """Return how many inodes are used. A filesystem without a fixed number of them has no usage."""
    percent = use_percent(answer.f_files - answer.f_ffree, answer.f_ffree)
    if percent is None or not answer.f_files:
        return None
    labels = {"mount_point": mount.mount_point}
    return Usage(
        percent,
        f"has used {percent} % of its inodes",
        f"{rounded(answer.f_ffree)} free",
        (Measurement("inode_use_percent", percent, "%", labels),),
        used=answer.f_files - answer.f_ffree,
        free=answer.f_ffree,
    )


def rounded(count: int) -> str:
    """Return a number rounded to three digits: "1,230,000"."""
    return f"{round(count, 3 - len(str(count))):,}"
