"""Watches how full filesystems are. The percentage is that of `df`.

Coming from Monit: `check filesystem`; Icinga: `disk`; Telegraf: `disk`.
"""

from __future__ import annotations

from collections.abc import Iterable

from checks._files import space
from checks._files.filesystems import DiskParams as Params
from checks._files.usage import conditions, look
from checks._files.usage import space as judge
from supervisor.api import Context, Observation

__all__ = ["Params", "run"]


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return a condition for each filesystem that is too full, not mounted or does not answer."""
    watched, measured = await look(context, params.filesystems, params.probe_timeout, judge)
    found = [condition for each in watched for condition in conditions(each, "Disk usage")]
    return [*measured, *found, *space.conditions(context, watched)]
