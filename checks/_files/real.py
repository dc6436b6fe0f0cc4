"""Which filesystems hold files of this host. Used by `lookup` and the daily report."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

from checks._files.mounts import Mount, once_each

PSEUDO_TYPES = frozenset(
    {"tmpfs", "devtmpfs", "ramfs", "efivarfs", "overlay", "squashfs", "erofs", "iso9660", "udf"}
    | {"fuse.snapfuse", "fuse.lxcfs", "autofs"}
)
"""The types of filesystems that keep no files of this host.

They hold memory, images that are always full, a container's view of other filesystems, or nothing
until autofs mounts what somebody looks at.
"""

KERNEL_TYPES = frozenset(
    {"proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "hugetlbfs", "debugfs", "tracefs"}
    | {"securityfs", "selinuxfs", "configfs", "fusectl", "pstore", "bpf", "binfmt_misc", "nsfs"}
    | {"rpc_pipefs"}
)
"""The types by which the kernel shows itself. They have no blocks, so there is nothing to ask.

Other types without blocks are left out when their answer says so.
"""


def real(mounts: Iterable[Mount]) -> list[Mount]:
    """Return one mount of each filesystem that keeps files of this host. The root is one."""
    return [
        mount
        for mount in once_each(mounts)
        if mount.kind not in PSEUDO_TYPES | KERNEL_TYPES or mount.mount_point == "/"
    ]


def is_excepted(mount: Mount, names: Collection[str]) -> bool:
    """Return whether one of the names is that of a mount: its point, device or type.

    A name may be a pattern. Its `*` also stands for slashes.
    """
    own = (mount.mount_point, mount.source, mount.kind)
    patterns = (os.path.normpath(name) if name.startswith("/") else name for name in names)
    return any(fnmatchcase(each, pattern) for pattern in patterns for each in own)
