"""Whether a bond, a bridge or the like has enough members with a link. Pure. Used by `verdict`."""

from __future__ import annotations

from collections.abc import Collection

from attrs import frozen

from checks._common.plurals import counted
from checks._common.printable import shown
from checks._devices.interfaces import Interface
from supervisor.api import Condition, Crossing, Limit

WARNING = "W"
"""The event type of what a plain limit finds."""

MAX_LISTED = 10
"""The most members that a message names."""


@frozen
class Membership:
    """The members of an interface, and how many must have a link."""

    found: Interface

    limit: Limit[int] | None = None
    """None: all members of a bond."""

    past: Collection[str] = ()
    """The members that it had when it had enough."""

    @property
    def good(self) -> int:
        """How many members have a link and are used."""
        return sum(not each.trouble for each in self.found.members)

    @property
    def lost(self) -> dict[str, str]:
        """The members that carry nothing or are gone, each with the reason."""
        lost = {each.name: each.trouble for each in self.found.members if each.trouble}
        gone = set(self.past) - {each.name for each in self.found.members}
        return lost | dict.fromkeys(sorted(gone), "is not a member any more")

    @property
    def crossing(self) -> Crossing | None:
        """What the number of members is worth. An interface that is set down uses none."""
        if not self.found.is_up:
            return None
        if self.limit is not None:
            return self.limit.below(self.good, WARNING)
        is_short = self.found.kind == "bond" and self.good < len(self.found.members)
        return Crossing(WARNING) if is_short else None

    @property
    def to_remember(self) -> list[str]:
        """The names of the members that it should have: all that it had when it had enough."""
        present = {each.name for each in self.found.members}
        is_enough = self.found.is_up and self.crossing is None
        return sorted(present if is_enough else {*present, *self.past})

    def condition(self, instance: str) -> Condition | None:
        """Return what is wrong. None: nothing."""
        crossing, lost = self.crossing, self.lost
        if crossing is None:
            return None
        total = len({*lost, *(each.name for each in self.found.members)})
        words = f" (limit {self.limit.words()})" if self.limit else ""
        named = [f"{shown(name)} {why}" for name, why in lost.items()]
        more = f" and {len(named) - MAX_LISTED} more" if len(named) > MAX_LISTED else ""
        message = (
            f"{self.found.title} has a link by {self.good} of {counted(total, 'member')}{words}: "
            f"{', '.join(named[:MAX_LISTED]) or 'it has no others'}{more}"
        )
        return crossing.condition("Interface members", instance, message)
