"""What an Alertmanager says of itself, and what has failed there since it last said so. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

from attrs import field, frozen

from supervisor.api import Json

_SERIES = re.compile(r"([a-z_]++)(?:\{(.*)\})? (\S++)(?: -?[0-9]++)?")
_LABEL = re.compile(r'\b([a-zA-Z_][a-zA-Z0-9_]*+)="((?:[^"\\]|\\.)*+)"')
_NOTIFICATIONS = "alertmanager_notifications_total"
_FAILED = "alertmanager_notifications_failed_total"
_ATTEMPTS_FAILED = "alertmanager_notification_requests_failed_total"
_RELOADED = "alertmanager_config_last_reload_successful"
_STARTED = "process_start_time_seconds"

WOBBLE = 5.0
"""Seconds: the start of a process is told by the time of boot, which moves with the clock."""

MOST_INTEGRATIONS, LONGEST = 100, 100
"""How many, and characters of a name: so much may be kept of what says that it is a peer."""

Counts = Mapping[str, float]
"""By integration: "email", "webhook"."""


@frozen
class Health:
    """What one Alertmanager has counted since it started, at this Unix time."""

    started: float
    notifications: Counts
    failed: Counts
    attempts_failed: Counts
    reloaded: bool = True


@frozen
class Cluster:
    """The addresses of all members that it sees, itself among them; none if it is in none."""

    members: tuple[str, ...]


@frozen
class Since:
    """What was counted between two looks."""

    notifications: Counts = field(factory=dict)
    failed: Counts = field(factory=dict)
    attempts_failed: Counts = field(factory=dict)


def read_metrics(text: str) -> Health:
    """Read the answer to `GET /metrics`; raises `ValueError` when it is no Alertmanager's.

    Lines that are none of the text format are passed over.
    """
    totals: dict[str, dict[str, float]] = {}
    for line in text.splitlines():
        if not line.startswith(("alertmanager_", _STARTED)):
            continue
        found = _SERIES.fullmatch(line)
        value = _number(found[3]) if found else None
        if found is None or value is None:
            continue
        integration = dict(_LABEL.findall(found[2] or "")).get("integration", "")
        series = totals.setdefault(found[1], {})
        is_full = len(series) >= MOST_INTEGRATIONS and integration not in series
        if is_full or len(integration) > LONGEST:
            continue
        total = series.get(integration, 0.0) + value
        if math.isfinite(total):
            series[integration] = total
    # A peer without receivers has counted no notification of any kind.
    if _RELOADED not in totals or _STARTED not in totals:
        raise ValueError("its metrics are no Alertmanager's")
    return Health(
        totals[_STARTED].get("", 0.0),
        totals.get(_NOTIFICATIONS, {}),
        totals.get(_FAILED, {}),
        totals.get(_ATTEMPTS_FAILED, {}),
        totals[_RELOADED].get("") != 0,
    )


def read_status(body: bytes) -> Cluster:
    """Read the answer to `GET /api/v2/status`; raises `ValueError` when it is no Alertmanager's."""
    try:
        cluster = json.loads(body)["cluster"]
        peers = cluster.get("peers") if cluster["status"] != "disabled" else None
        return Cluster(tuple(sorted(str(peer["address"]) for peer in peers or ())))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("its status is no Alertmanager's") from error


def since(before: Health | None, now: Health) -> Since:
    """Return what was counted since; of the first look nothing, after a restart all of it."""
    if before is None:
        return Since()
    restarted = abs(now.started - before.started) > WOBBLE
    return Since(
        _grown({} if restarted else before.notifications, now.notifications),
        _grown({} if restarted else before.failed, now.failed),
        _grown({} if restarted else before.attempts_failed, now.attempts_failed),
    )


def _grown(before: Counts, now: Counts) -> Counts:
    grown = {}
    for name, count in now.items():
        known = before.get(name, 0.0)
        # Less than before: it has begun to count anew.
        grown[name] = count - known if count >= known else count
    return {name: count for name, count in grown.items() if count > 0}


def kept(health: Health) -> Json:
    """Return what the next look must know."""
    return {
        "started": health.started,
        "notifications": dict(health.notifications),
        "failed": dict(health.failed),
        "attempts_failed": dict(health.attempts_failed),
    }


def recalled(value: Json) -> Health | None:
    """Return what was kept, or None when it is nothing of ours."""
    match value:
        case {
            "started": int() | float() as started,
            "notifications": dict() as notifications,
            "failed": dict() as failed,
            "attempts_failed": dict() as attempts_failed,
        }:
            return Health(
                started, _counts(notifications), _counts(failed), _counts(attempts_failed)
            )
    return None


def _counts(value: Mapping[str, Json]) -> Counts:
    return {name: count for name, count in value.items() if isinstance(count, int | float)}


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
