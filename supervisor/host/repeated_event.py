"""An event that can happen many times. Reload and the status page use it."""

from __future__ import annotations

import trio
from attrs import define, field


@define(eq=False, repr=False)
class RepeatedEvent:
    """Wakes one task that waits. Several calls of `set` before that wake it once."""

    _event: trio.Event = field(factory=trio.Event)

    def set(self) -> None:
        """Wake the task that waits, or else the next one that will wait."""
        self._event.set()

    async def wait(self) -> None:
        """Wait until `set` was called since the last wait returned."""
        await self._event.wait()
        self._event = trio.Event()
