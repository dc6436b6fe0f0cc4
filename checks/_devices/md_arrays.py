"""Linux software RAID (md), from /sys/block. Used by `raid` and the daily report.

The kernel describes the files in Documentation/admin-guide/md.rst. The functions block, so call
them in a thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from checks._devices.sysfs import GONE, number, text, value

BLOCK = Path("/sys/block")
"""A directory for each disk of this host. That of an array has a directory `md`."""

STOPPED = ("clear", "inactive", "broken")
"""The values of `array_state` with which an array stores nothing.

`clear` has no members any more, `inactive` was not started, `broken` has lost one that it needs.
"""

REBUILDS = {
    "recover": "is rebuilt",
    "resync": "is synchronised",
    "reshape": "gets another shape",
}
"""The values of `sync_action` that restore an array, in words. `check` only reads."""

SECTORS_OF_KIB = 2
"""A sector has 512 bytes."""


@frozen
class Member:
    """A disk of an array."""

    name: str
    """Such as `sda1`."""

    states: frozenset[str]
    """Such as `in_sync`, `faulty`, `spare`."""

    @property
    def has_failed(self) -> bool:
        """Whether the kernel uses it no more."""
        return "faulty" in self.states

    @property
    def is_used(self) -> bool:
        """Whether it holds what the array stores."""
        return "in_sync" in self.states


@frozen
class Progress:
    """How far the kernel has got with an array."""

    action: str
    """Such as `recover` or `check`."""

    percent: float | None = None
    """None: it waits for another array on the same disks."""

    seconds_left: float | None = None
    """None: it is not known."""


@frozen
class Array:
    """What the kernel says of one array."""

    name: str
    """Such as `md0`."""

    level: str
    """Such as `raid1`."""

    state: str
    """Its `array_state`, such as `clean` or `active`."""

    disks: int
    """How many members it is to have."""

    degraded: int
    """How many of them are missing or not in sync. 0 for levels that cannot miss one."""

    mismatches: int
    """Sectors that differed at the last check."""

    members: tuple[Member, ...] = ()
    """By name, with spares."""

    progress: Progress | None = None
    """None: the kernel does nothing with it but read and write."""

    @property
    def is_stopped(self) -> bool:
        """Whether it stores nothing."""
        return self.state in STOPPED

    @property
    def is_rebuilt(self) -> bool:
        """Whether the kernel restores it."""
        return self.progress is not None and self.progress.action in REBUILDS

    @property
    def failed(self) -> tuple[str, ...]:
        """The members that the kernel uses no more."""
        return tuple(member.name for member in self.members if member.has_failed)


def names() -> list[str]:
    """Return the names of all arrays, without containers of arrays. Raises `OSError`."""
    with os.scandir(BLOCK) as entries:
        return sorted(entry.name for entry in entries if _is_array(BLOCK / entry.name / "md"))


def _is_array(directory: Path) -> bool:
    """Return whether this is an array, and not a container, which only holds the disks of some."""
    if not directory.is_dir():
        return False
    # An array in a container has `external:/md127/0`, the container itself `external:imsm`.
    metadata = value(directory / "metadata_version").removeprefix("external:")
    return "external:" not in value(directory / "metadata_version") or metadata[:1] in ("/", "-")


def read(name: str) -> Array | None:
    """Return what the kernel says of an array. None: there is none of this name.

    Raises `OSError`.
    """
    directory = BLOCK / name / "md"
    try:
        state = text(directory / "array_state")
        found = Array(
            name,
            value(directory / "level"),
            state,
            disks=number(directory / "raid_disks") or 0,
            degraded=number(directory / "degraded") or 0,
            mismatches=number(directory / "mismatch_cnt") or 0,
            members=tuple(_members(directory)),
            progress=_progress(directory),
        )
        text(directory / "array_state")  # raises when it was stopped while it was read
    except OSError as error:
        if error.errno in GONE:
            return None
        raise
    return found


def _members(directory: Path) -> Iterator[Member]:
    with os.scandir(directory) as entries:
        found = sorted(entry.name for entry in entries if entry.name.startswith("dev-"))
    for name in found:
        if states := value(directory / name / "state"):  # else it has just been removed
            # The kernel writes the "/" of names such as cciss/c0d0 as "!".
            disk = name.removeprefix("dev-").replace("!", "/")
            yield Member(disk, frozenset(states.split(",")))


def _progress(directory: Path) -> Progress | None:
    """Return how far the kernel is. Its file says "1234 / 5678" in sectors, `none` or `delayed`."""
    action = value(directory / "sync_action")
    if action in ("", "idle", "frozen"):
        return None
    done, _, total = value(directory / "sync_completed").partition(" / ")
    if not (done.isdecimal() and total.isdecimal() and int(total)):
        return Progress(action)
    left = max(int(total) - int(done), 0) / SECTORS_OF_KIB
    speed = number(directory / "sync_speed")
    return Progress(action, 100 * int(done) / int(total), left / speed if speed else None)
