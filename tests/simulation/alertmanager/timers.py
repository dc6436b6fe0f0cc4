"""What happens later, in the order of time."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

from attrs import define, field

Action = Callable[[float], None]
"""It is given the time for which it was set."""


@define
class Timers:
    """Actions with their times. Two of the same time run in the order in which they were set."""

    _actions: list[tuple[float, int, Action]] = field(factory=list)
    _count: int = 0

    def set(self, at: float, action: Action) -> None:
        self._count += 1
        heappush(self._actions, (at, self._count, action))

    @property
    def next(self) -> float | None:
        return self._actions[0][0] if self._actions else None

    def run_until(self, now: float) -> None:
        """Run those of now and before, and those that these set."""
        while self._actions and self._actions[0][0] <= now:
            at, _, action = heappop(self._actions)
            action(at)

    def run_before(self, now: float) -> None:
        """Run those before now, and those that these set."""
        while self._actions and self._actions[0][0] < now:
            at, _, action = heappop(self._actions)
            action(at)

    def clear(self) -> None:
        self._actions.clear()
