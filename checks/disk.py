"""Watches how full filesystems are. The percentage is that of `df`.

Coming from Monit: `check filesystem`; Icinga: `disk`; Telegraf: `disk`.
"""

from __future__ import annotations

from collections.abc import Iterable

from checks._files.usage import Params, observe, space
from supervisor.api import Context, Observation

__all__ = ["Params", "run"]


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return a condition for each filesystem that is too full, not mounted or does not answer."""
    return await observe(params, "Disk usage", space)
