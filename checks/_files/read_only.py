"""Tells a filesystem that became read-only after an error from one that is so on purpose.

Used by `usage`. The functions block, so call them in a thread.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from checks._files.mounts import Mount, unescaped
from supervisor.api import Json

FSTAB = Path("/etc/fstab")
"""How the filesystems of this host are to be mounted, by fstab(5)."""

MAX_FSTAB_BYTES = 1 << 20
"""The most bytes that are read of it."""

KINDS = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs", "nilfs2", "reiserfs", "bcachefs"}
    | {"vfat", "msdos", "exfat", "ntfs3", "gfs2", "ocfs2"}
)
"""The types that the kernel makes read-only after an error. Others may never have been writable."""

FORCED = frozenset({"emergency_ro", "shutdown"})
"""The options by which a filesystem itself says that it takes no more writes."""


WRITABLE = "writable"
"""The key of a check's state with the identities of the mounts that are to be writable."""

MAX_MOUNTS = 1000
"""The most identities that are kept there."""


def is_writable(mount: Mount) -> bool:
    """Return whether both the mount and its filesystem take writes."""
    options = {*mount.options.split(","), *mount.own_options.split(",")}
    return not options & {"ro", *FORCED}


def became_read_only(mount: Mount, *, was_writable: bool = False) -> bool:
    """Return whether a filesystem is read-only that was to be writable.

    It was to be writable when /etc/fstab does not say "ro" of it. Of a mount that is not in there,
    its own options say so: it is still writable itself, or has `errors=remount-ro`. One that was
    seen as writable was to be so, whatever its type, unless /etc/fstab says "ro".
    """
    options = {*mount.options.split(",")}
    is_known = mount.kind in KINDS and bool(options & {"ro", *FORCED})
    if is_known and options & FORCED:
        return True
    if is_writable(mount) or not (is_known or was_writable):
        return False
    meant = read_fstab().get(mount.mount_point)
    if meant is not None and ("ro" in meant or is_known):
        return "ro" not in meant
    return was_writable or "rw" in mount.own_options.split(",") or "errors=remount-ro" in options


def recalled(state: Mapping[str, Json]) -> frozenset[str]:
    """Return the identities of the mounts that were to be writable at the last run."""
    found = state.get(WRITABLE)
    return frozenset(map(str, found)) if isinstance(found, list) else frozenset()


def keep(state: dict[str, Json], mounts: Iterable[Mount], before: Collection[str]) -> None:
    """Keep which mounts are writable, or were so and may be again."""
    found = {mount.identity for mount in mounts if is_writable(mount) or mount.identity in before}
    state.pop(WRITABLE, None)
    if found:
        state[WRITABLE] = sorted(found)[:MAX_MOUNTS]


def read_fstab() -> Mapping[str, frozenset[str]]:
    """Return the options in /etc/fstab, by mount point. Empty when it cannot be read."""
    try:
        with FSTAB.open("rb") as file:
            return parse_fstab(file.read(MAX_FSTAB_BYTES))
    except OSError:
        return {}


def parse_fstab(text: bytes) -> Mapping[str, frozenset[str]]:
    """Return the options of each line, by mount point. Lines without options are left out."""
    lines = (line.split() for line in text.splitlines())
    return {
        unescaped(fields[1]).rstrip("/") or "/": frozenset(unescaped(fields[3]).split(","))
        for fields in lines
        if len(fields) > 3 and not fields[0].startswith(b"#")
    }
