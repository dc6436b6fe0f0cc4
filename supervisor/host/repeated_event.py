"""An event that happens again and again. Used by reload and the status page."""

from __future__ import annotations

import trio
from attrs import define, field


@define
class RepeatedEvent:
    """Wakes one task that waits. Set several times before it wakes, it wakes once."""

    _event: trio.Event = field(factory=trio.Event)

    def set(self) -> None:
        """Wake the task that waits now or that waits next."""
        self._event.set()

    async def wait(self) -> None:
        """Return when the event was set since the last return."""
        await self._event.wait()
        self._event = trio.Event()
