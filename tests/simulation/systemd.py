"""systemd, as the simulated host has it: it hears what the supervisor says."""

from __future__ import annotations

from collections.abc import Callable

from attrs import field, frozen

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
