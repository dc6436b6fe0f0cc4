"""Alerts that are sent together, and when."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field

from tests.simulation.alertmanager.alert import Alert
from tests.simulation.alertmanager.notification_log import Key
from tests.simulation.alertmanager.route import Node
from tests.simulation.alertmanager.series import Series


@define(eq=False)
class Group:
    """An aggregation group."""

    node: Node
    labels: tuple[tuple[str, str], ...]
    next_tick: float = 0.0
    alerts: dict[Series, Alert] = field(factory=dict)
    has_flushed: bool = False
    is_busy: bool = False
    """A flush waits for the peers before this one."""
    is_late: bool = False
    """A tick came while it was busy: the next flush follows at once."""
    is_gone: bool = False

    @property
    def key(self) -> Key:
        return (self.node.key, self.labels, self.node.receiver.name)

    def is_old(self, alert: Alert, now: float) -> bool:
        """Return whether the alert has waited for as long as a group waits."""
        return alert.starts_at + self.node.group_wait <= now

    def forget(self, alerts: Iterable[Alert]) -> None:
        """Remove those that were not posted since."""
        for alert in alerts:
            known = self.alerts.get(alert.series)
            if known is not None and known.updated_at == alert.updated_at:
                del self.alerts[alert.series]
