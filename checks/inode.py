"""Watches how many of their inodes filesystems have used. The percentage is that of `df -i`.

Coming from Monit: `check filesystem`; Icinga: `disk`; Telegraf: `disk`.
"""

from __future__ import annotations

from collections.abc import Iterable

from checks._files.usage import Params, inodes, observe
from supervisor.api import Context, Observation

__all__ = ["Params", "run"]


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return a condition for each filesystem that runs out of inodes, is not mounted or hangs."""
    return await observe(params, "Inode usage", inodes)
