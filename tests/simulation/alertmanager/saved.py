"""What outlives an Alertmanager: a snapshot on its disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from attrs import define, field

from tests.simulation.alertmanager.ticks import Ticks

K = TypeVar("K")
V = TypeVar("V")


@define
class Saved(Generic[K, V]):
    """Values by their keys. A snapshot of them is written at each maintenance."""

    _maintenance: Ticks
    _is_too_old: Callable[[V, float], bool]
    """Whether the maintenance at a time removes a value."""
    values: dict[K, V] = field(factory=dict)
    _snapshot: dict[K, V] = field(factory=dict)

    def maintain(self, now: float) -> None:
        """Do the maintenance that was due until now."""
        at = self._maintenance.take(now)
        if at is not None:
            self.save(at)

    def save(self, now: float) -> None:
        """Remove what is too old and write a snapshot."""
        for key in [key for key, value in self.values.items() if self._is_too_old(value, now)]:
            del self.values[key]
        self._snapshot = dict(self.values)

    def kill(self, now: float) -> None:
        """Go back to the last snapshot."""
        self.maintain(now)
        self.values = dict(self._snapshot)

    def start(self, maintenance: Ticks) -> None:
        """Write snapshots at these times from now on."""
        self._maintenance = maintenance
