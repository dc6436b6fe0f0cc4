"""systemd, as the simulated host has it: it hears what the supervisor says, and ends it."""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import define, field, frozen

from supervisor.daemon.daemon import FORCED_EXIT_MARGIN
from supervisor.host.systemd import Notifier


@frozen
class SimulatedNotifier(Notifier):
    """Passes on what systemd would be told."""

    tell: Callable[[tuple[str, ...]], None] = field(kw_only=True)

    def notify_reloading(self) -> None:
        """Tell that a reload has begun, without the host's time."""
        self.notify("RELOADING=1")

    def notify(self, *lines: str) -> None:
        """Pass on the lines."""
        self.tell(lines)


@define(eq=False)
class Unit:
    """The service's unit during one life of the supervisor."""

    watchdog: float
    """Seconds within which it must say `WATCHDOG=1` again."""

    stop_grace: float
    """Seconds after SIGTERM in which it must have ended."""

    kill: Callable[[str], None]
    """Ends the process. Given what has ended it."""

    _deadline: trio.CancelScope = field(factory=trio.CancelScope)
    _fed: bool = False

    async def watch(self) -> None:
        """End the process when it has not fed the watchdog, or when it does not stop in time."""
        with self._deadline:
            await trio.sleep_forever()
        self.kill("watchdog" if self._fed else "forced")

    def hear(self, lines: tuple[str, ...]) -> None:
        """Note a sign of life. After SIGTERM none counts."""
        if "READY=1" in lines or "WATCHDOG=1" in lines:
            self._fed = self._fed or self._deadline.deadline == float("inf")
            if self._fed:
                self._deadline.deadline = trio.current_time() + self.watchdog

    def terminate(self) -> None:
        """Note a SIGTERM. A timer of the supervisor's own ends it when it does not stop."""
        self._fed = False
        self._deadline.deadline = trio.current_time() + self.stop_grace - FORCED_EXIT_MARGIN
