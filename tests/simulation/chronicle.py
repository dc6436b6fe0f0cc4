"""What has happened in a simulated world: told to those who listen, and kept as a digest."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeAlias

from attrs import define, field

from tests.simulation.events import Event

Listener: TypeAlias = Callable[[Event], None]


class Enough(Exception):
    """A listener raises it to end the world: it has heard enough."""


@define(eq=False)
class Chronicle:
    """Takes down all events in their order."""

    listeners: list[Listener] = field(factory=list)
    """Called with each event."""

    counts: Counter[str] = field(factory=Counter)
    """Events by their names."""

    stop: Callable[[], None] = lambda: None
    """Stops the tasks of the world."""

    _digest: Any = field(factory=hashlib.sha256)
    _is_over: bool = False

    def tell(self, event: Event) -> None:
        """Take down an event, unless the world has ended."""
        if self._is_over:
            return
        name = type(event).__name__
        self.counts[name] += 1
        self._digest.update(repr(event).encode())
        for listener in self.listeners:
            # What tells of the event is often the supervisor, which must not see the exception.
            try:
                listener(event)
            except Enough:
                self.end()

    def end(self) -> None:
        """End the world. What its tasks still do is not told."""
        self._is_over = True
        self.stop()

    @property
    def digest(self) -> str:
        """What the whole chronicle comes to. Two runs of one scenario have the same."""
        return str(self._digest.hexdigest())
