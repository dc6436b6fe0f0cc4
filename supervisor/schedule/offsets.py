"""Where in its interval each module runs. Neighbours share a tick, and hosts differ. Pure."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from typing import Self

from attrs import define, field

SLOT_MS = 200
"""Offsets are multiples of this: modules that wake together share the cost of the wake-up."""

MINUTE_SLOTS = 60_000 // SLOT_MS
"""Slots of a minute."""

GROUP_SIZE = 8
"""Places of a group. Its modules have the same `every` and the same ticks."""

PLACES = {"command": 4}
"""Places that a module takes, by its check. Others take one. What starts a process takes more."""

MAX_GROUPS = 2
"""Groups that meet in one slot, as long as a slot beside it has room.

Two groups with the same `every` look for the same slot, one after the other.
"""

GOLDEN_RATIO = 0.6180339887498949
"""Its multiples, modulo one, fill an interval evenly, however many there are."""


@define
class Offsets:
    """Gives the modules of one service their offsets, in the order of the service file.

    What comes later in the file moves nothing that comes before.
    """

    phase: float
    """Seconds by which the grids of this service on this host are moved."""

    _taken: Counter[float] = field(factory=Counter)
    """Places that are taken, by the `every` of their modules."""

    _last: dict[float, tuple[int, float]] = field(factory=dict)
    """Number and offset of the last group, by its `every`."""

    _groups: list[int] = field(factory=lambda: [0] * MINUTE_SLOTS)
    """How many groups run in each slot of the minute, at most."""

    @classmethod
    def of(cls, service: str, host: str) -> Self:
        """Return the offsets of a service on a host, before its first module."""
        seed = hashlib.sha256(f"{service}\0{host}".encode()).digest()
        return cls(int.from_bytes(seed[:6]) / 1000)

    def next(self, every: float, check: str) -> float:
        """Return the offset in seconds of the next module with this `every`, which runs `check`."""
        number = self._taken[every] // GROUP_SIZE
        self._taken[every] += PLACES.get(check, 1)
        known, offset = self._last.get(every, (-1, 0.0))
        if known != number:
            offset = self._place(every, number) * SLOT_MS / 1000
            self._last[every] = number, offset
        return offset

    def _place(self, every: float, number: int) -> int:
        """Return the slot of a new group, counted from the beginning of its interval."""
        offset = (self.phase + GOLDEN_RATIO * every * (number // MAX_GROUPS)) % every
        slot, slots = math.floor(offset * 1000 / SLOT_MS), every * 1000 / SLOT_MS
        if not slots.is_integer() or (MINUTE_SLOTS % slots and slots % MINUTE_SLOTS):
            return slot  # it is in other slots of the next minute
        length = int(slots)
        near = [each % length for each in (slot, slot - 1, slot + 1)]
        slot = min(near, key=lambda each: self._rank(each, length))
        for each in self._in_minute(slot, length):
            self._groups[each] += 1
        return slot

    def _rank(self, slot: int, length: int) -> int:
        """Return the less the better: a tick with room, then an empty one, then a full one."""
        crowd = max(self._groups[each] for each in self._in_minute(slot, length))
        return MAX_GROUPS - crowd if crowd < MAX_GROUPS else MAX_GROUPS + 1

    def _in_minute(self, slot: int, length: int) -> range:
        """Return the slots of the minute in which a slot of each interval is."""
        return range(slot % MINUTE_SLOTS, MINUTE_SLOTS, length)
