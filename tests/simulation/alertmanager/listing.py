"""An alert as GET /api/v2/alerts shows it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.simulation.alertmanager.alert import Alert


def shown(
    alert: Alert, *, receivers: list[str], silenced_by: list[str], inhibited_by: list[str]
) -> dict[str, Any]:
    """Return its JSON."""
    state = "suppressed" if silenced_by or inhibited_by else "active"
    url = {"generatorURL": alert.generator_url} if alert.generator_url else {}
    return {
        "annotations": dict(alert.annotations),
        "endsAt": text(alert.ends_at),
        "fingerprint": alert.series.fingerprint,
        "receivers": [{"name": name} for name in receivers],
        "startsAt": text(alert.starts_at),
        "status": {"inhibitedBy": inhibited_by, "silencedBy": silenced_by, "state": state},
        "updatedAt": text(alert.updated_at),
        **url,
        "labels": dict(alert.series.labels),
    }


def text(seconds: float) -> str:
    """Return a time in the form that a post may have too."""
    time = datetime.fromtimestamp(seconds, UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
