"""What an Alertmanager remembers of its notifications, on disk and among its peers."""

from __future__ import annotations

from typing import Self

from attrs import define, frozen

from tests.simulation.alertmanager.notification import Reason
from tests.simulation.alertmanager.saved import Saved
from tests.simulation.alertmanager.ticks import Ticks

Key = tuple[str, tuple[tuple[str, str], ...], str]
"""Route, labels of the group, receiver."""

SeriesKey = tuple[tuple[str, str], ...]
"""The labels of an alert. Neither annotations nor times count."""


@frozen
class Entry:
    """The last notification of a group."""

    key: Key
    at: float
    firing: frozenset[SeriesKey]
    resolved: frozenset[SeriesKey]
    expires_at: float

    def reason(
        self, firing: frozenset[SeriesKey], resolved: frozenset[SeriesKey], *, due: bool
    ) -> Reason | None:
        """Return why the group is to be sent again; None if it is not.

        `resolved` is empty for a receiver that is not told. `due`: the repeat interval is over.
        """
        if not firing <= self.firing:
            return Reason.NEW_ALERTS if self.firing else Reason.FIRST
        if not firing:
            return Reason.RESOLVED if self.firing else None
        if not resolved <= self.resolved:
            return Reason.RESOLVED
        return Reason.REPEAT if due else None


@define
class NotificationLog:
    """The last entry of each group. A snapshot of it is written at each maintenance."""

    _retention: float
    saved: Saved[Key, Entry]

    @classmethod
    def of(cls, retention: float, maintenance: Ticks) -> Self:
        """Return an empty one."""
        return cls(retention, Saved(maintenance, lambda entry, now: entry.expires_at <= now))

    def find(self, key: Key, now: float) -> Entry | None:
        self.saved.maintain(now)
        return self.saved.values.get(key)

    def write(
        self,
        key: Key,
        now: float,
        *,
        firing: frozenset[SeriesKey],
        resolved: frozenset[SeriesKey],
        repeat_interval: float,
    ) -> Entry:
        """Remember a notification; return what the peers are told."""
        expires_at = now + min(self._retention, 2 * repeat_interval or self._retention)
        entry = Entry(key=key, at=now, firing=firing, resolved=resolved, expires_at=expires_at)
        self.saved.maintain(now)
        known = self.saved.values.get(key)
        if known is None or known.at <= now:
            self.saved.values[key] = entry
        return entry

    def merge(self, entry: Entry, now: float) -> bool:
        """Take an entry, also one of a peer, unless a later one is here; return whether."""
        self.saved.maintain(now)
        known = self.saved.values.get(entry.key)
        if entry.expires_at < now or (known is not None and known.at >= entry.at):
            return False
        self.saved.values[entry.key] = entry
        return True

    def all(self, now: float) -> list[Entry]:
        self.saved.maintain(now)
        return list(self.saved.values.values())
