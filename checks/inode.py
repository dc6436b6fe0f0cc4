"""Watches how many of its inodes a filesystem has used, by the percentage of `df -i`.

Coming from Monit: `check filesystem`; Icinga: `disk`; Telegraf: `disk`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from checks._filesystems import Params, Usage, observe, use_percent
from checks._mounts import Mount
from supervisor.api import Context, Measurement, Observation

__all__ = ["Params", "run"]


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return a condition for each filesystem that runs out of inodes, is not mounted or hangs."""
    return await observe(params, "Inode usage", inodes)


def inodes(mount: Mount, answer: os.statvfs_result) -> Usage | None:
    """Return how many inodes are used; filesystems that make them as needed have no number."""
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
    """Return a number by its first three digits: "1,230,000"."""
    return f"{round(count, 3 - len(str(count))):,}"
