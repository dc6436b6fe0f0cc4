"""Watches how full filesystems are, by the percentage that `df` shows.

Coming from Monit: `check filesystem`; Icinga: `disk`; Telegraf: `disk`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from checks._common.sizes import size
from checks._filesystems import Params, Usage, observe, use_percent
from checks._mounts import Mount
from supervisor.api import Context, Measurement, Observation

__all__ = ["Params", "run"]


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return a condition for each filesystem that is too full, not mounted or does not answer."""
    return await observe(params, "Disk usage", space)


def space(mount: Mount, answer: os.statvfs_result) -> Usage | None:
    """Return how much space is used; what only root may use counts as neither used nor free."""
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
