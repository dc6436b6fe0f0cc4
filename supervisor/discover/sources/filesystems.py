"""The filesystems that hold data: modules of `disk` and `inode`."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Iterator

from attrs import frozen

from supervisor.discover.draft import Draft, Finding, Item, quoted
from supervisor.text import counted

USUAL_LIMIT = 90
"""Percent that may be used, if less than `HIGH` is used now."""

HIGH = 85
"""Percent. With more than this in use, the limit is half-way between that and 100."""

PROBE_SECONDS = 2.0
"""How long a filesystem may take to answer. One on a dead server never does."""

FULL_BY_DESIGN = {"squashfs", "erofs", "iso9660", "udf", "cramfs"}
"""Images that are always full, and that are never written to."""

NETWORK = {"nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "fuse.sshfs", "9p", "zfs"}
"""Kinds with data whose source is not a device."""

_ESCAPED = re.compile(r"\\([0-3][0-7]{2})")


@frozen
class Mounted:
    """One line of the mount table."""

    device: str
    """As "major:minor"."""
    mount_point: str
    kind: str
    source: str
    read_only: bool

    @property
    def holds_data(self) -> bool:
        """Whether it is not one of the kernel's own filesystems."""
        return self.source.startswith("/dev/") or self.kind in NETWORK or self.mount_point == "/"


def filesystems() -> Finding:
    """Return a module each for the space and for the inodes of the filesystems with data."""
    left_out: list[str] = []
    spaces, inodes = [], []
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        mounted = [*_parse(table)]
    for mount in _chosen(mounted, left_out):
        try:
            name = quoted(mount.mount_point)
        except ValueError as error:
            left_out.append(f"filesystem {error}")
            continue
        answer = _ask(mount.mount_point)
        if answer is None:
            left_out.append(f"filesystem {name}: it does not answer within {PROBE_SECONDS:g} s")
            continue
        space = _percent(answer.f_blocks - answer.f_bfree, answer.f_bavail)
        if space is not None:
            spaces.append(_item(mount, name, space))
        used = _percent(answer.f_files - answer.f_ffree, answer.f_favail)
        if used is not None:
            inodes.append(_item(mount, name, used))
    modules = (
        Draft("disk", "Space on the filesystems, in percent as `df` shows it.", tuple(spaces),
              key="filesystems"),
        Draft("inode", "Inodes of the filesystems, in percent as `df -i` shows it.", tuple(inodes),
              key="filesystems", every="5m"),
    )  # fmt: skip
    return Finding(tuple(draft for draft in modules if draft.items), tuple(left_out))


def _parse(table: Iterable[str]) -> Iterator[Mounted]:
    """Yield the mounts of /proc/self/mountinfo. The last one on a mount point hides the others."""
    found: dict[str, Mounted] = {}
    for line in table:
        own, separator, rest = line.rstrip("\n").partition(" - ")
        fields, (kind, source, *_) = own.split(" "), rest.split(" ")
        if separator and len(fields) >= 6:
            point = _ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields[4])
            read_only = "ro" in fields[5].split(",")
            found[point] = Mounted(
                device=fields[2],
                mount_point=point,
                kind=kind,
                source=source,
                read_only=read_only,
            )
    yield from found.values()


def _chosen(mounted: Iterable[Mounted], left_out: list[str]) -> Iterator[Mounted]:
    """Yield one mount for each filesystem with data, the one with the shortest path."""
    devices = set()
    images = files = 0
    for mount in sorted(mounted, key=lambda mount: (len(mount.mount_point), mount.mount_point)):
        if not mount.holds_data or mount.device in devices:
            continue
        if mount.kind in FULL_BY_DESIGN:
            images += 1
        elif not os.path.isdir(mount.mount_point) and mount.kind not in NETWORK:
            files += 1
        else:
            devices.add(mount.device)
            yield mount
    if images:
        left_out.append(f"{counted(images, 'image')}, such as of a snap or a CD: always full")
    if files:
        left_out.append(f"{counted(files, 'mount')} of single files, as containers have them")
    left_out.append("filesystems without data: tmpfs, proc, sysfs, cgroups and the like")


def _ask(mount_point: str) -> os.statvfs_result | None:
    """Return what the filesystem says of itself, or None if it does not answer in time."""
    answers: list[os.statvfs_result] = []

    def ask() -> None:
        try:
            answers.append(os.statvfs(mount_point))
        except OSError:
            return  # as good as silence

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    return answers[0] if answers else None


def _percent(used: int, available: int) -> int | None:
    """Return how much is used, rounded up as in `df`. None when there is nothing to use."""
    used, available = max(used, 0), max(available, 0)
    return -(-100 * used // (used + available)) if used + available else None


def _item(mount: Mounted, name: str, used: int) -> Item:
    limit = USUAL_LIMIT if used <= HIGH else min(99, (used + 101) // 2)
    read_only = ", read_only = true" if mount.read_only else ""
    return Item(
        f"{{ filesystem = {name}, max_use_percent = {limit}{read_only} }}",
        instance=mount.mount_point,
        note=f"{mount.kind}, {used} % used" + ("; the limit is above that" if used > HIGH else ""),
    )
