"""What an Alertmanager sends to a receiver."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from attrs import frozen


class Reason(Enum):
    """Why it was sent."""

    FIRST = "first"
    NEW_ALERTS = "new alerts"
    RESOLVED = "resolved"
    REPEAT = "repeat"


class Status(Enum):
    """Whether an alert was over when its group was sent."""

    FIRING = "firing"
    RESOLVED = "resolved"


@frozen
class NotifiedAlert:
    """An alert of a notification."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: float
    ends_at: float | None
    """None while it fires."""
    status: Status


@frozen
class Notification:
    """One call of a webhook, or one mail."""

    at: float
    sender: str
    """The name of the Alertmanager."""
    receiver: str
    group_labels: Mapping[str, str]
    alerts: tuple[NotifiedAlert, ...]
    """In the order in which the receiver is given them."""
    reason: Reason

    @property
    def status(self) -> Status:
        """Firing if one alert fires."""
        firing = any(alert.status is Status.FIRING for alert in self.alerts)
        return Status.FIRING if firing else Status.RESOLVED
