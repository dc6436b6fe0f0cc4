"""Silences: on disk and among the peers, as the notification log is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from attrs import define, evolve, frozen

from tests.simulation.alertmanager.matcher import Matcher, all_match
from tests.simulation.alertmanager.saved import Saved
from tests.simulation.alertmanager.ticks import Ticks


@frozen
class Silence:
    """Mutes what its matchers match, from its start until its end."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: float
    ends_at: float
    updated_at: float

    def is_active(self, now: float) -> bool:
        return self.starts_at <= now < self.ends_at


@define
class Silences:
    """All silences of an Alertmanager. A snapshot of them is written at each maintenance."""

    _name: str
    _retention: float
    saved: Saved[str, Silence]
    _count: int = 0

    @classmethod
    def of(cls, name: str, retention: float, maintenance: Ticks) -> Self:
        """Return none yet."""

        def is_too_old(silence: Silence, now: float) -> bool:
            return silence.ends_at + retention <= now

        return cls(name, retention, Saved(maintenance, is_too_old))

    def add(
        self, matchers: tuple[Matcher, ...], starts_at: float, ends_at: float, *, now: float
    ) -> Silence:
        """Add one. A start in the past becomes now."""
        starts_at = max(starts_at, now)
        if not matchers or all(matcher.matches_empty for matcher in matchers):
            raise ValueError("at least one matcher must not match the empty string")
        if ends_at < starts_at:
            raise ValueError("end time must not be before start time")
        self._count += 1
        silence = Silence(
            id=f"{self._name}-silence-{self._count}",
            matchers=matchers,
            starts_at=starts_at,
            ends_at=ends_at,
            updated_at=now,
        )
        self.saved.maintain(now)
        self.saved.values[silence.id] = silence
        return silence

    def expire(self, silence_id: str, now: float) -> Silence:
        """End one; KeyError if it is not known."""
        self.saved.maintain(now)
        silence = self.saved.values[silence_id]
        if silence.ends_at <= now:
            return silence
        ended = evolve(silence, starts_at=min(silence.starts_at, now), ends_at=now, updated_at=now)
        self.saved.values[silence.id] = ended
        return ended

    def merge(self, silence: Silence, now: float) -> bool:
        """Take a silence, also one of a peer, unless a later state is here; return whether."""
        self.saved.maintain(now)
        known = self.saved.values.get(silence.id)
        if silence.ends_at + self._retention < now:
            return False
        if known is not None and known.updated_at >= silence.updated_at:
            return False
        self.saved.values[silence.id] = silence
        return True

    def muting(self, labels: Mapping[str, str], now: float) -> list[str]:
        """Return the ids of those that mute these labels now."""
        return sorted(
            silence.id
            for silence in self.saved.values.values()
            if silence.is_active(now) and all_match(silence.matchers, labels)
        )

    def all(self, now: float) -> list[Silence]:
        self.saved.maintain(now)
        return list(self.saved.values.values())
