"""What a life of the supervisor leaves behind in the process."""

from __future__ import annotations

import gc
import os
import weakref

import trio
from attrs import define, field

from supervisor.daemon.daemon import Daemon

LOOK_AT_MEMORY = 8
"""Lives after which it is counted what is left of earlier ones."""


def _open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@define(eq=False)
class Leftovers:
    """Counts them when a life has ended."""

    _descriptors: int = field(factory=_open_descriptors)
    """How many were open before the first life."""

    _outboxes: list[weakref.ref[object]] = field(factory=list)
    """Of the supervisors that ended since memory was looked at."""

    def note_end(self, daemon: Daemon) -> None:
        """Remember a supervisor whose memory is to be given back."""
        self._outboxes.append(weakref.ref(daemon.outbox))

    def tasks(self) -> tuple[str, ...]:
        """Return the names of the tasks that the calling task has started, and that go on."""
        nurseries = trio.lowlevel.current_task().child_nurseries
        return tuple(sorted(child.name for each in nurseries for child in each.child_tasks))

    def descriptors(self) -> int:
        """Return how many more are open than before the first life."""
        return _open_descriptors() - self._descriptors

    def daemons(self, life: int) -> int:
        """Return how many supervisors of earlier lives are still in memory, in some lives."""
        if life % LOOK_AT_MEMORY:
            return 0
        gc.unfreeze()
        gc.collect()
        kept = sum(outbox() is not None for outbox in self._outboxes[:-1])
        self._outboxes.clear()
        return kept
