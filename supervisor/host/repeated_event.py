"""An event that can happen again and again."""

from __future__ import annotations

import trio
from attrs import define, field


@define
class RepeatedEvent:
    """Wakes one who waits; rung several times meanwhile, it wakes once more."""

    _rung: trio.Event = field(factory=trio.Event)

    def ring(self) -> None:
        """Wake who waits now or will wait next."""
        self._rung.set()

    async def wait(self) -> None:
        """Return when the bell was rung since the last return."""
        await self._rung.wait()
        self._rung = trio.Event()
