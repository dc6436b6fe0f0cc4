"""What must be sent to one peer, and when. What failed alone is kept apart. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field, frozen

from supervisor.ledger.due_queue import AT_ONCE, DueQueue


@frozen
class LoneFailure:
    """What is known of an alert that failed when it was sent alone."""

    failures: int
    """How often it has failed alone, in a row."""

    until: float
    """When it may be tried again, in Unix seconds."""


@define
class PeerQueue:
    """Due times of alerts. An alert that failed alone is sent alone, until the peer takes it.

    It waits for its own back-off, even if it changes. So one alert keeps no other waiting. Such
    alerts and all others take turns.
    """

    _together: DueQueue = field(factory=DueQueue)
    """Alerts that may go in one batch."""

    _alone: DueQueue = field(factory=DueQueue)
    """Alerts that failed alone."""

    _failed: dict[str, LoneFailure] = field(factory=dict)
    """All alerts that failed alone, by fingerprint."""

    _alone_is_next: bool = False
    """Whether those that failed alone have their turn."""

    def set(self, key: str, when: float | None) -> None:
        """Make an alert due at `when`, or never."""
        failure = self._failed.get(key) if self._failed else None
        if failure is None:
            self._together.set(key, when)
        else:
            self._alone.set(key, None if when is None else max(when, failure.until))

    def next(self) -> float | None:
        """Return the earliest due time, or None when the queue is empty."""
        together, alone = self._together.next(), self._alone.next()
        if together is None or alone is None:
            return alone if together is None else together
        return min(together, alone)

    def take(self, now: float) -> Iterator[str]:
        """Remove and yield what is due and may go in one batch: one that failed alone, or others.

        What the caller does not ask for stays in the queue.
        """
        if self._is_turn_of_one_alone(now) and (key := self._alone.pop(now)):
            yield key
            return
        while key := self._together.pop(now):
            yield key

    def _is_turn_of_one_alone(self, now: float) -> bool:
        alone, together = self._alone.next(), self._together.next()
        if alone is None or alone > now:
            return False
        has_turn = self._alone_is_next or together is None or together > now
        self._alone_is_next = not has_turn
        return has_turn

    def failures_alone(self, key: str) -> int:
        """Return how often an alert has failed alone, in a row."""
        failure = self._failed.get(key)
        return 0 if failure is None else failure.failures

    @property
    def has_failed_alone(self) -> bool:
        """Whether there is an alert that failed alone and that the peer has not taken since."""
        return bool(self._failed)

    def failed_alone(self, key: str, until: float) -> None:
        """Keep an alert apart. It may be tried again at `until`, in Unix seconds.

        The others are next, also if they were taken and put back in the meantime.
        """
        self._alone_is_next = False
        self._failed[key] = LoneFailure(self.failures_alone(key) + 1, until)
        self._together.set(key, None)
        self._alone.set(key, until)

    def release(self, key: str) -> None:
        """Forget that an alert failed alone: the peer took or refused it, or it is gone."""
        if key in self._failed:
            del self._failed[key]
            self._alone.set(key, None)

    def end_waits(self) -> None:
        """Let all that failed alone be tried again at once."""
        for key, failure in self._failed.items():
            self._failed[key] = LoneFailure(failure.failures, AT_ONCE)
            self._alone.set(key, AT_ONCE)
