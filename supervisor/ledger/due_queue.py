"""A queue of keys by the time at which each is due. Used by the outbox.

No trio, no clock, no disk.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict

from attrs import define, field

AT_ONCE = 0.0
"""The due time of a key that does not have to wait."""


@define(eq=False, repr=False)
class DueQueue:
    """Each key has one due time. Setting it again moves the key.

    There are two kinds of keys: those that are due at once, and those with a time. A key that is
    due at once keeps its place when it is set to that again. `pop` takes from both kinds in turn.
    So neither kind waits for ever at a peer that takes less than what changes.
    """

    _at_once: OrderedDict[str, None] = field(factory=OrderedDict)
    """The keys that are due at once, in the order in which they were set."""

    _heap: list[tuple[float, str]] = field(factory=list)
    """Times and keys, the earliest first. Those that differ from `_due` are out of date."""

    _due: dict[str, float] = field(factory=dict)
    """The due time of each key that has a time."""

    _heap_is_next: bool = False
    """Whether the next `pop` begins with the keys that have a time."""

    def set(self, key: str, when: float | None) -> None:
        """Make the key due at `when`, or never."""
        if when == AT_ONCE:
            self._due.pop(key, None)
            self._at_once.setdefault(key)
            return
        self._at_once.pop(key, None)
        if when is None:
            self._due.pop(key, None)
        elif self._due.get(key) != when:
            self._due[key] = when
            heapq.heappush(self._heap, (when, key))

    def next(self) -> float | None:
        """Return the earliest due time, or None when the queue is empty."""
        if self._at_once:
            return AT_ONCE
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop(self, now: float) -> str | None:
        """Remove and return a key that is due. The key of its kind that waited longest is first."""
        if self._at_once and not self._heap_is_next:
            self._heap_is_next = True
            return self._at_once.popitem(last=False)[0]
        self._heap_is_next = False
        heap, due = self._heap, self._due
        while heap and heap[0][0] <= now:
            when, key = heapq.heappop(heap)
            if due.get(key) == when:
                del due[key]
                return key
        return self._at_once.popitem(last=False)[0] if self._at_once else None
