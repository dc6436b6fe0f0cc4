"""What an Alertmanager remembers of its notifications, on disk and among its peers."""

from __future__ import annotations

from attrs import define, field, frozen

from tests.simulation.alertmanager.notification import Reason
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
    _maintenance: Ticks
    _entries: dict[Key, Entry] = field(factory=dict)
    _snapshot: dict[Key, Entry] = field(factory=dict)

    def find(self, key: Key, now: float) -> Entry | None:
        self._maintain(now)
        return self._entries.get(key)

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
        self._maintain(now)
        known = self._entries.get(key)
        if known is None or known.at <= now:
            self._entries[key] = entry
        return entry

    def merge(self, entry: Entry, now: float) -> bool:
        """Take an entry, also one of a peer, unless a later one is here; return whether."""
        self._maintain(now)
        known = self._entries.get(entry.key)
        if entry.expires_at < now or (known is not None and known.at >= entry.at):
            return False
        self._entries[entry.key] = entry
        return True

    def all(self, now: float) -> list[Entry]:
        self._maintain(now)
        return list(self._entries.values())

    def save(self, now: float) -> None:
        """Remove what has expired and write a snapshot."""
        for key in [key for key, entry in self._entries.items() if entry.expires_at <= now]:
            del self._entries[key]
        self._snapshot = dict(self._entries)

    def kill(self, now: float) -> None:
        """Go back to the last snapshot."""
        self._maintain(now)
        self._entries = dict(self._snapshot)

    def start(self, maintenance: Ticks) -> None:
        """Write snapshots at these times from now on."""
        self._maintenance = maintenance

    def _maintain(self, now: float) -> None:
        at = self._maintenance.take(now)
        if at is not None:
            self.save(at)
