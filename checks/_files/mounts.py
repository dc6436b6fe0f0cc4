"""The mounted filesystems that a path can reach, found by the names that `df` shows.

Used by `usage` and by the daily report. The format is that of /proc/PID/mountinfo in proc(5).
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from attrs import frozen

MOUNTINFO = Path("/proc/self/mountinfo")
"""The mount table of this process."""

ALIASES = {"udev": "devtmpfs"}
"""Sources that some systems show for a filesystem, and its type on the other systems."""

_ESCAPED = re.compile(rb"\\([0-3][0-7]{2})")
"""A byte that the kernel writes as an octal number."""

_NUMBER = re.compile(rb"[0-9]{1,18}")
"""The number of a mount."""

_SUBVOLUME = re.compile(r"(?:^|,)(subvolid=[0-9]+)(?:,|$)")
"""The option that names a subvolume of btrfs."""


@frozen
class Mount:
    """One line of the mount table."""

    number: int

    parent: int
    """The number of the mount that it is mounted on."""

    device: str
    """The device as "major:minor"."""

    root: str
    """The directory of the filesystem that is mounted."""

    mount_point: str
    kind: str
    source: str
    options: str = ""
    """The options of the filesystem, which all its mounts share."""

    own_options: str = ""
    """The options of this mount alone."""

    @property
    def identity(self) -> str:
        """What tells it from the others in the state of a check. It stays over a restart."""
        name = os.fsencode(f"{self.device} {self.mount_point}")
        return hashlib.sha256(name).hexdigest()[:12]

    @property
    def filesystem(self) -> tuple[str, str]:
        """What tells a filesystem from the others. Each subvolume of btrfs counts as one."""
        subvolume = _SUBVOLUME.search(self.options) if self.kind == "btrfs" else None
        return self.device, subvolume[1] if subvolume else ""


def read_mounts() -> list[Mount]:
    """Return the mounts of this process that a path can reach."""
    return reachable(parse(MOUNTINFO.read_bytes()))


def parse(table: bytes) -> list[Mount]:
    """Return the mounts of a mountinfo file, in its order. Malformed lines are left out."""
    mounts = (_mount(line.split(b" ")) for line in table.split(b"\n"))
    return [mount for mount in mounts if mount is not None]


def _mount(fields: Sequence[bytes]) -> Mount | None:
    # Optional fields stand between the sixth and a lone hyphen.
    try:
        end = fields.index(b"-", 6)
        number, parent, device, root, mount_point, own_options = fields[:6]
        kind, source, options = fields[end + 1 : end + 4]
    except ValueError:
        return None
    if not (_NUMBER.fullmatch(number) and _NUMBER.fullmatch(parent)):
        return None
    texts = map(unescaped, (device, root, mount_point, kind, source, options, own_options))
    return Mount(int(number), int(parent), *texts)


def unescaped(field: bytes) -> str:
    """Return a field of a mount table. Spaces and the like are written as octal numbers in it."""
    return os.fsdecode(_ESCAPED.sub(lambda match: bytes([int(match[1], 8)]), field))


def reachable(mounts: Iterable[Mount]) -> list[Mount]:
    """Return the mounts that the paths of their mount points lead to.

    The others are hidden by a later mount on the same mount point or on a directory above it.
    """
    by_number = {mount.number: mount for mount in mounts}
    covers = {
        (mount.parent, mount.mount_point)
        for mount in by_number.values()
        if mount.parent != mount.number
    }

    hidden = {
        mount.number
        for mount in by_number.values()
        if any((mount.parent, directory) in covers for directory in _above(mount.mount_point))
    }
    return [
        mount
        for mount in by_number.values()
        if (mount.number, mount.mount_point) not in covers
        and not any(ancestor.number in hidden for ancestor in _lineage(mount, by_number))
        and not _is_mere_directory(mount, by_number.get(mount.parent))
    ]


def _is_mere_directory(mount: Mount, parent: Mount | None) -> bool:
    """Return whether a mount shows the same files as would be there without it.

    systemd mounts directories over themselves to protect them. That mounts no other filesystem.
    """
    if parent is None or parent is mount or parent.filesystem != mount.filesystem:
        return False
    below = os.path.relpath(mount.mount_point, parent.mount_point)
    return mount.root == os.path.normpath(os.path.join(parent.root, below))


def _above(path: str) -> Iterator[str]:
    while path not in ("/", ""):
        path = path.rpartition("/")[0] or "/"
        yield path


def _lineage(mount: Mount, by_number: dict[int, Mount]) -> Iterator[Mount]:
    """Yield the mount, the one that it is mounted on, and so on up to the root."""
    seen = set()
    found: Mount | None = mount
    while found is not None and found.number not in seen:
        seen.add(found.number)
        yield found
        found = by_number.get(found.parent)


def named(name: str, mounts: Iterable[Mount]) -> list[Mount]:
    """Return the mounts that a device, a mount point or a type names, sorted by mount point.

    A mount point names one mount. Several mounts of one filesystem count once, as in `df`.
    """
    mounts = list(mounts)
    if name.startswith("/"):
        point = os.path.normpath(name)
        at = [mount for mount in mounts if mount.mount_point == point]
        found = at[-1:] or _of_device(name, mounts)
    else:
        names = (name, ALIASES.get(name))
        found = [mount for mount in mounts if mount.source == name or mount.kind in names]
    return once_each(found)


def _of_device(name: str, mounts: Sequence[Mount]) -> list[Mount]:
    number, path = _device_number(name), _resolved(name)
    return [
        mount
        for mount in mounts
        if mount.source == name or mount.device == number or _resolved(mount.source) == path
    ]


def _resolved(name: str) -> str:
    # A path elsewhere is not a device, and may lie on a filesystem that hangs.
    return os.path.realpath(name) if name.startswith("/dev/") else name


def _device_number(name: str) -> str | None:
    try:
        status = os.stat(_resolved(name)) if name.startswith("/dev/") else None
    except (OSError, ValueError):
        return None
    if status is None or not stat.S_ISBLK(status.st_mode):
        return None
    return f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"


def once_each(mounts: Iterable[Mount]) -> list[Mount]:
    """Return one mount of each filesystem, sorted by mount point: the one that shows most of it."""
    once: dict[tuple[str, str], Mount] = {}
    for mount in sorted(mounts, key=lambda m: (len(m.root), len(m.mount_point), m.mount_point)):
        once.setdefault(mount.filesystem, mount)
    return sorted(once.values(), key=lambda mount: mount.mount_point)
