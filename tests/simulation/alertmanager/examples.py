"""What the tests of the model have in common."""

from __future__ import annotations

from typing import Any

from tests.simulation.alertmanager.listing import text
from tests.simulation.alertmanager.notification import Notification, Reason, Status
from tests.simulation.alertmanager.settings import Settings

T = 1_700_000_000.0
"""When everything begins."""

SETTINGS = Settings(
    group_by=("alertname",), group_wait=10.0, group_interval=60.0, repeat_interval=600.0
)


def alert(
    start: float, end: float | None = None, *, host: str = "a", name: str = "Disk", **more: Any
) -> dict[str, Any]:
    """Return an alert whose times count from `T`."""
    times = {"startsAt": text(T + start)} | ({} if end is None else {"endsAt": text(T + end)})
    return {"labels": {"alertname": name, "host": host}, **times, **more}


def sent(notifications: list[Notification]) -> list[tuple[float, Reason, str]]:
    """Return times after `T`, reasons, and each alert's host and status: `a+` or `a-`."""
    signs = {Status.FIRING: "+", Status.RESOLVED: "-"}
    return [
        (
            each.at - T,
            each.reason,
            " ".join(each.labels["host"] + signs[each.status] for each in each.alerts),
        )
        for each in notifications
    ]
