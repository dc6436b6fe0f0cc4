"""A wait that only the end of the process ends: what a bug in a library or in the kernel may do."""

from __future__ import annotations

import trio
from attrs import define


@define(eq=False)
class Never:
    """Stands for an event that does not happen."""

    died: trio.Event
    """Set when the process has ended."""

    def is_set(self) -> bool:
        """Return False."""
        return False

    async def wait(self) -> None:
        """Wait as long as the process lives, whoever cancels this."""
        with trio.CancelScope(shield=True):
            await self.died.wait()
        await trio.sleep_forever()
