"""Tells a filesystem that became read-only after an error from one that is so on purpose.

Used by `usage`. The functions block, so call them in a thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from checks._files.mounts import Mount, unescaped

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


def became_read_only(mount: Mount) -> bool:
    """Return whether a filesystem is read-only that was to be writable.

    It was to be writable when /etc/fstab does not say "ro" of it. Of a mount that is not in there,
    its own options say so: it is still writable itself, or has `errors=remount-ro`.
    """
    options = {*mount.options.split(",")}
    if mount.kind not in KINDS:
        return False
    if options & FORCED:
        return True
    if "ro" not in options:
        return False
    meant = read_fstab().get(mount.mount_point)
    if meant is not None:
        return "ro" not in meant
    return "rw" in mount.own_options.split(",") or "errors=remount-ro" in options


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
