"""How full filesystems are. Used by `disk`, `inode` and the daily report.

Each mount is asked in a thread of its own, since statvfs on a dead server never returns. A mount
that does not answer has a condition of its own. The others are judged as usual.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

import trio
from attrs import Attribute, evolve, field, frozen

from checks._common.deadlines import timeout_field
from checks._common.event_types import event_type_field
from checks._common.gather import gather
from checks._common.limits import each_number
from checks._common.printable import shown
from checks._common.sizes import size
from checks._common.validators import unique, up_to
from checks._files.lookup import Found, find
from checks._files.mounts import Mount
from checks._files.probing import probe_within
from supervisor.api import (
    Condition,
    Duration,
    Limit,
    Measurement,
    Observation,
    upper_limit,
)

NEVER = 100
"""With this limit, in percent, a filesystem raises no condition at all."""

_limiter = trio.CapacityLimiter(16)
"""How many mounts are asked at the same time.

The timeout of a mount starts when it gets one of the 16 places. So mounts that hang do not use up
the time of others.
"""


@frozen
class Filesystem:
    """One filesystem, or several of one type, and how full it may be."""

    filesystem: str = field(
        metadata={
            "help": "a device, a mount point or a type, as df shows it; udev means devtmpfs",
            "example": '"/"',
        }
    )
    max_use_percent: Limit[int] = field(
        validator=[upper_limit, each_number(up_to(100, "a percentage"))],
        metadata={
            "help": (
                "fires above this percentage of df; 100: never fires, not even when not mounted"
            ),
            "example": "90",
            "range": "from 1 to 100",
        },
    )
    backup: bool = field(
        default=False, metadata={"help": 'adds the label backup="true" to its conditions'}
    )
    read_only: bool = field(
        default=False, metadata={"help": "true: it may have become read-only after an error"}
    )
    event_type: str = event_type_field("W", "when it is too full")

    @property
    def is_watched(self) -> bool:
        """Whether anything is ever said of it."""
        return min(self.max_use_percent.numbers) < NEVER

    @filesystem.validator
    def _names_something(self, _: Attribute[str], value: str) -> None:
        if not value.strip() or "\0" in value:
            raise ValueError(
                "is not the name of a filesystem; write for example '/' or '/dev/sda1'"
            )


@frozen
class Params:
    """The filesystems, and how long each may take to answer."""

    filesystems: tuple[Filesystem, ...] = field(
        validator=unique(
            lambda filesystem: os.path.normpath(filesystem.filesystem),
            remedy="keep one of them",
        ),
        metadata={"help": "the filesystems to look at"},
    )
    probe_timeout: Duration = timeout_field(
        5, "a filesystem that takes longer to answer is not responding"
    )


@frozen
class Usage:
    """How much of a filesystem is used."""

    percent: int

    full: str
    """What is used, in words: "is 91 % full"."""

    left: str
    """What is free, in words: "36.0 KiB free"."""

    measurements: tuple[Measurement, ...]


Judge: TypeAlias = Callable[[Mount, os.statvfs_result], Usage | None]
"""Computes the usage from what statvfs returned. Returns None if the filesystem has no size."""


@frozen
class MountReading:
    """What is known of one mount."""

    mount: Mount
    usage: Usage | None = None

    trouble: str = ""
    """Why it gave no answer."""


def use_percent(used: int, available: int) -> int | None:
    """Return how much is used, rounded up as in `df`. None when there is nothing to use."""
    used, available = max(used, 0), max(available, 0)
    return -(-100 * used // (used + available)) if used + available else None


async def observe(params: Params, alertname: str, judge: Judge) -> list[Observation]:
    """Return the conditions and measurements of all filesystems."""
    names = [filesystem.filesystem for filesystem in params.filesystems]
    found = await find(names, params.probe_timeout)
    by_number = {mount.number: mount for each in found for mount in each.mounts}
    answers = await gather(
        partial(ask, seconds=params.probe_timeout, judge=judge), by_number.values()
    )
    readings = {reading.mount.number: reading for reading in answers if reading is not None}
    observed: list[Observation] = []
    limits = {
        mount.number: filesystem.max_use_percent.numbers
        for filesystem, each in zip(params.filesystems, found, strict=True)
        for mount in each.mounts
        if filesystem.is_watched
    }
    for number, reading in sorted(readings.items()):
        observed += _measured(reading.usage, limits.get(number, ())) if reading.usage else ()
    for filesystem, each in zip(params.filesystems, found, strict=True):
        if filesystem.is_watched:
            present = [readings[mount.number] for mount in each.mounts if mount.number in readings]
            observed += _conditions(filesystem, each, present, alertname)
    return observed


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


def _conditions(
    filesystem: Filesystem, found: Found, readings: Sequence[MountReading], alertname: str
) -> Iterator[Condition]:
    labels = {"backup": "true"} if filesystem.backup else {}
    name = filesystem.filesystem
    if found.trouble:
        message = f"{name} does not respond: {found.trouble}"
        yield Condition("Filesystem not responding", "E", name, message, labels=labels)
    elif not readings:
        message = f"{name} is not mounted"
        yield Condition("Filesystem not mounted", "E", name, message, labels=labels)
    for reading in readings:
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
    )


def rounded(count: int) -> str:
    """Return a number rounded to three digits: "1,230,000"."""
    return f"{round(count, 3 - len(str(count))):,}"
