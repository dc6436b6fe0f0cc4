"""What process 1 of a container does for others: reap the dead.

The kernel gives every orphan of the container to process 1. As long as it does not reap them, they
take up process numbers.
"""

from __future__ import annotations

import trio

from supervisor.host.inherited import has_strangers
from supervisor.processes.descendants import dead_strangers, reap

REAP_INTERVAL = 1.0
"""Seconds between two looks. A process that is dead at two looks has no other code to reap it."""


async def reap_strangers() -> None:
    """Reap dead orphans that no command left. Return at once where there can be none."""
    before: set[int] = set()
    while has_strangers():
        dead = dead_strangers()
        reap(dead & before)
        before = dead - before
        await trio.sleep(REAP_INTERVAL)
