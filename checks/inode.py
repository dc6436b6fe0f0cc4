"""Watches how many of their inodes filesystems have used. The percentage is that of `df -i`.

Coming from Monit: `check filesystem`; Icinga: `disk`; Telegraf: `disk`.
"""

from __future__ import annotations

from collections.abc import Iterable

from checks._files.filesystems import Params
from checks._files.usage import conditions, inodes, look
from supervisor.api import Context, Observation

__all__ = ["Params", "run"]


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return a condition for each filesystem that runs out of inodes, is not mounted or hangs."""
    watched, measured = await look(context, params.filesystems, params.probe_timeout, inodes)
    found = [condition for each in watched for condition in conditions(each, "Inode usage")]
    return [*measured, *found]
