"""One attempt to send a group."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import evolve, frozen

from tests.simulation.alertmanager.alert import Alert
from tests.simulation.alertmanager.group import Group
from tests.simulation.alertmanager.notification import (
    Notification,
    NotifiedAlert,
    Reason,
    Status,
)
from tests.simulation.alertmanager.notification_log import Entry, SeriesKey
from tests.simulation.alertmanager.series import in_order


@frozen
class Flush:
    """What a group holds at a tick. What is firing then stays firing until the flush ends."""

    group: Group
    tick: float
    alerts: tuple[Alert, ...]
    """Those that are not muted, in their order."""
    over: tuple[Alert, ...]
    """Those that are resolved, muted or not: the group forgets them when the flush has ended."""

    @classmethod
    def of(cls, group: Group, tick: float) -> Flush:
        alerts = tuple(group.alerts.values())
        return cls(
            group=group,
            tick=tick,
            alerts=tuple(sorted(alerts, key=in_order)) if len(alerts) > 1 else alerts,
            over=tuple(alert for alert in alerts if alert.is_resolved(tick)),
        )

    def without_muted(self, mutes: Callable[[Mapping[str, str]], bool]) -> Flush:
        heard = tuple(alert for alert in self.alerts if not mutes(alert.series.labels))
        return self if len(heard) == len(self.alerts) else evolve(self, alerts=heard)

    @property
    def firing(self) -> frozenset[SeriesKey]:
        return frozenset(
            alert.series.key for alert in self.alerts if not alert.is_resolved(self.tick)
        )

    @property
    def resolved(self) -> frozenset[SeriesKey]:
        return frozenset(alert.series.key for alert in self.alerts if alert.is_resolved(self.tick))

    def reason(self, entry: Entry | None, is_due: Callable[[float], bool]) -> Reason | None:
        """Return why it is sent, after what the notification log tells; None if it is not.

        `is_due` tells whether the repeat interval has passed since an entry was written.
        """
        if not self.alerts:
            return None
        if entry is None:
            return Reason.FIRST if self.firing else None
        node = self.group.node
        resolved = self.resolved if node.receiver.send_resolved else frozenset()
        return entry.reason(self.firing, resolved, due=is_due(entry.at))

    def notification(self, sender: str, reason: Reason, now: float) -> Notification | None:
        """Return what is sent; None if the receiver is not told of any of the alerts."""
        told = tuple(filter(self._is_told, self.alerts))
        if not told:
            return None
        return Notification(
            at=now,
            sender=sender,
            receiver=self.group.node.receiver.name,
            group_labels=dict(self.group.labels),
            alerts=tuple(map(self._notified, told)),
            reason=reason,
        )

    def _is_told(self, alert: Alert) -> bool:
        return self.group.node.receiver.send_resolved or not alert.is_resolved(self.tick)

    def _notified(self, alert: Alert) -> NotifiedAlert:
        is_over = alert.is_resolved(self.tick)
        return NotifiedAlert(
            labels=alert.series.labels,
            annotations=alert.annotations,
            starts_at=alert.starts_at,
            ends_at=alert.ends_at if is_over else None,
            status=Status.RESOLVED if is_over else Status.FIRING,
        )
