"""All alerts that an Alertmanager knows: in memory only."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from tests.simulation.alertmanager.alert import Alert
from tests.simulation.alertmanager.series import Series
from tests.simulation.alertmanager.ticks import Ticks


@define
class Store:
    """The last state of each alert."""

    _collections: Ticks
    _alerts: dict[Series, Alert] = field(factory=dict)

    def put(self, alert: Alert, now: float) -> Alert:
        """Keep what was posted, merged with what was known; return the result."""
        self._collect(now)
        older = self._alerts.get(alert.series)
        if older is not None and alert.overlaps(older):
            alert = alert.merged_with(older, now)
        self._alerts[alert.series] = alert
        return alert

    def firing(self, now: float) -> Iterator[Alert]:
        return (alert for alert in self._alerts.values() if not alert.is_resolved(now))

    def shown(self, now: float) -> list[Alert]:
        """Return what the API shows."""
        shown = [alert for alert in self._alerts.values() if alert.ends_at >= now]
        return sorted(shown, key=lambda alert: alert.series.fingerprint)

    def _collect(self, now: float) -> None:
        """Forget what was resolved at the last collection of garbage."""
        at = self._collections.take(now)
        if at is not None:
            gone = [series for series, alert in self._alerts.items() if alert.is_resolved(at)]
            for series in gone:
                del self._alerts[series]
