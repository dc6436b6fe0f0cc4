"""What a sequence led to: the notifications and the answers, of the model or of the real one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import frozen

from tests.simulation.alertmanager.notification import Notification

Labels = tuple[tuple[str, str], ...]
Group = tuple[str, Labels]
"""A receiver and the labels of a group."""


@frozen
class SeenAlert:
    """An alert of a notification or of a list. Times are compared with a tolerance."""

    labels: Labels
    annotations: Labels
    status: str
    starts_at: float
    ends_at: float | None = None
    more: object = None
    """What else a list shows."""

    @property
    def exact(self) -> tuple[object, ...]:
        """All but the times."""
        return (self.labels, self.annotations, self.status, self.more)


@frozen
class Seen:
    """A notification as its receiver sees it."""

    at: float
    group: Group
    alerts: tuple[SeenAlert, ...]


@frozen
class Outcome:
    """The notifications and the answers of one sequence, in order."""

    seen: tuple[Seen, ...]
    lists: tuple[tuple[SeenAlert, ...], ...]
    """What each GET showed."""
    answers: tuple[object, ...]
    """Status and body of each POST."""

    def groups(self) -> dict[Group, list[Seen]]:
        found: dict[Group, list[Seen]] = {}
        for each in self.seen:
            found.setdefault(each.group, []).append(each)
        return found


def labels(pairs: Mapping[str, str]) -> Labels:
    return tuple(sorted(pairs.items()))


def of_model(notification: Notification) -> Seen:
    return Seen(
        notification.at,
        (notification.receiver, labels(notification.group_labels)),
        tuple(
            SeenAlert(
                labels=labels(each.labels),
                annotations=labels(each.annotations),
                status=each.status.value,
                starts_at=each.starts_at,
                ends_at=each.ends_at,
            )
            for each in notification.alerts
        ),
    )


def of_webhook(at: float, body: Mapping[str, Any]) -> Seen:
    return Seen(
        at,
        (body["receiver"], labels(body["groupLabels"])),
        tuple(
            SeenAlert(
                labels=labels(each["labels"]),
                annotations=labels(each["annotations"]),
                status=each["status"],
                starts_at=seconds(each["startsAt"]),
                ends_at=seconds(each["endsAt"]) if each["status"] == "resolved" else None,
            )
            for each in body["alerts"]
        ),
    )


def of_list(alerts: list[dict[str, Any]]) -> tuple[SeenAlert, ...]:
    """Return what GET /api/v2/alerts showed. A silence is counted; its id is random."""
    return tuple(
        SeenAlert(
            labels=labels(each["labels"]),
            annotations=labels(each["annotations"]),
            status=each["status"]["state"],
            starts_at=seconds(each["startsAt"]),
            ends_at=seconds(each["endsAt"]),
            more=(
                len(each["status"]["silencedBy"]),
                len(each["status"]["inhibitedBy"]),
                each["fingerprint"],
                [receiver["name"] for receiver in each["receivers"]],
            ),
        )
        for each in alerts
    )


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
