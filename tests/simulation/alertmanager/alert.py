"""An alert, as an Alertmanager keeps it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve, frozen

from tests.simulation.alertmanager.series import Series


@frozen
class Alert:
    """The labels, and what the last posts said about them."""

    series: Series
    annotations: Mapping[str, str]
    starts_at: float
    ends_at: float
    updated_at: float
    is_timeout: bool = False
    """The post had no end, so `ends_at` is a guess."""
    generator_url: str = ""

    def is_resolved(self, now: float) -> bool:
        return self.ends_at <= now

    def overlaps(self, older: Alert) -> bool:
        """Whether both tell of the same time, so that they are merged."""
        return (
            older.starts_at < self.ends_at < older.ends_at
            or older.starts_at < self.starts_at < older.ends_at
        )

    def merged_with(self, older: Alert, now: float) -> Alert:
        """Return this one, with the start and perhaps the end of an older one."""
        ends_at = self.ends_at
        if older.ends_at > ends_at:
            kept = older.is_resolved(now) if self.is_resolved(now) else not older.is_timeout
            ends_at = older.ends_at if kept else ends_at
        return evolve(self, starts_at=min(older.starts_at, self.starts_at), ends_at=ends_at)
