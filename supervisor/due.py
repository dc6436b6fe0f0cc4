"""A queue of keys by the time at which each is due. Pure; used by peers and housekeeping."""

from __future__ import annotations

import heapq

from attrs import define, field


@define
class DueQueue:
    """Each key has one due time; setting it again moves it."""

    _heap: list[tuple[float, str]] = field(factory=list)
    _due: dict[str, float] = field(factory=dict)

    def set(self, key: str, when: float | None) -> None:
        """Make the key due at `when`, or never."""
        if when is None:
            self._due.pop(key, None)
        elif self._due.get(key) != when:
            self._due[key] = when
            heapq.heappush(self._heap, (when, key))

    def next(self) -> float | None:
        """Return the earliest due time, or None when nothing is waiting."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop(self, now: float) -> str | None:
        """Remove and return a key that is due, the longest waiting first."""
        heap, due = self._heap, self._due
        while heap and heap[0][0] <= now:
            when, key = heapq.heappop(heap)
            if due.get(key) == when:
                del due[key]
                return key
        return None

    def __len__(self) -> int:
        return len(self._due)

    def __contains__(self, key: str) -> bool:
        return key in self._due
