"""What must be sent to one peer, and when. What failed alone is kept apart. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from attrs import define, evolve, field, frozen

from supervisor.ledger.due_queue import AT_ONCE, DueQueue


@frozen
class Suspect:
    """What is known of an alert that was in a batch that failed."""

    limit: int
    """How many alerts its next batch may hold: half of the last one that failed."""

    failures: int = 0
    """How often it has failed alone, in a row."""

    until: float = AT_ONCE
    """When it may be tried again, in Unix seconds."""


@define(eq=False, repr=False)
class PeerQueue:
    """Due times of alerts. What was in a batch that failed is kept apart until the peer takes it.

    Each time it fails, its batch holds half as many, until it fails alone. Then it waits for its
    own back-off, even if it changes. So one alert keeps no other waiting. What is kept apart and
    all other alerts take turns.
    """

    _together: DueQueue = field(factory=DueQueue)
    """Alerts that may go in one batch."""

    _apart: DueQueue = field(factory=DueQueue)
    """Alerts that are kept apart."""

    _failed: dict[str, Suspect] = field(factory=dict)
    """Why each of them is, by fingerprint."""

    _apart_is_next: bool = False
    """Whether those that are kept apart have their turn."""

    def set(self, key: str, when: float | None) -> None:
        """Make an alert due at `when`, or never."""
        failure = self._failed.get(key) if self._failed else None
        if failure is None:
            self._together.set(key, when)
        else:
            self._apart.set(key, None if when is None else max(when, failure.until))

    def next(self) -> float | None:
        """Return the earliest due time, or None when the queue is empty."""
        together, alone = self._together.next(), self._apart.next()
        if together is None or alone is None:
            return alone if together is None else together
        return min(together, alone)

    def take(self, now: float) -> Iterator[str]:
        """Remove and yield what is due and may go in one batch: what is kept apart, or others.

        What the caller does not ask for stays in the queue.
        """
        if self._is_turn_of_suspects(now):
            yield from self._take_suspects(now)
            return
        while key := self._together.pop(now):
            yield key

    def _take_suspects(self, now: float) -> Iterator[str]:
        taken, most = 0, math.inf
        while taken < most and (key := self._apart.pop(now)):
            most = min(most, self._failed[key].limit)
            if taken and most <= taken:
                self._apart.set(key, now)  # it needs a smaller batch
                return
            taken += 1
            yield key

    def _is_turn_of_suspects(self, now: float) -> bool:
        alone, together = self._apart.next(), self._together.next()
        if alone is None or alone > now:
            return False
        has_turn = self._apart_is_next or together is None or together > now
        self._apart_is_next = not has_turn
        return has_turn

    def failures_alone(self, key: str) -> int:
        """Return how often an alert has failed alone, in a row."""
        failure = self._failed.get(key)
        return 0 if failure is None else failure.failures

    @property
    def has_failed_alone(self) -> bool:
        """Whether there is an alert that failed alone and that the peer has not taken since."""
        return any(suspect.failures for suspect in self._failed.values())

    def failed_together(self, keys: Collection[str], limit: int, now: float) -> None:
        """Keep a failed batch apart. The next one with any of it holds at most `limit` alerts."""
        for key in keys:
            known = self._failed.get(key, Suspect(limit))
            self._failed[key] = evolve(known, limit=min(limit, known.limit))
            self._together.set(key, None)
            self._apart.set(key, now)

    def failed_alone(self, key: str, until: float) -> None:
        """Keep an alert apart. It may be tried again at `until`, in Unix seconds.

        The others are next, also if they were taken and put back in the meantime.
        """
        self._apart_is_next = False
        self._failed[key] = Suspect(1, self.failures_alone(key) + 1, until)
        self._together.set(key, None)
        self._apart.set(key, until)

    def release(self, key: str) -> None:
        """Forget that an alert failed: the peer took or refused it, or it is gone."""
        if key in self._failed:
            del self._failed[key]
            self._apart.set(key, None)

    def end_waits(self) -> None:
        """Let all that failed alone be tried again at once."""
        for key, failure in [*self._failed.items()]:
            self._failed[key] = evolve(failure, until=AT_ONCE)
            self._apart.set(key, AT_ONCE)
