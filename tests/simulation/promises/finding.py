"""A promise that was broken in a simulated world, and what judges it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from attrs import frozen

from tests.simulation.events import Event


@frozen
class Finding:
    """One broken promise."""

    promise: str
    """The name of the judge in `all_promises.py`."""

    at: float
    """True Unix seconds."""

    what: str
    """What was promised, and what happened instead."""


class Broken(Exception):
    """Ends the simulation at once. A judge may raise it."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.what)
        self.finding = finding


class Judge(Protocol):
    """Hears all events of one world, and complains about what breaks its promise."""

    def hear(self, event: Event) -> Iterable[Finding]:
        """Return what this event breaks."""

    def at_the_end(self, at: float) -> Iterable[Finding]:
        """Return what is broken when the world ends."""


@runtime_checkable
class Excusing(Protocol):
    """A judge that counts why it did not complain."""

    reasons: Counter[str]
    """How often each named reason applied."""
