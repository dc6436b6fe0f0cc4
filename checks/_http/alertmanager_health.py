"""The counters and the cluster of an Alertmanager, and what has failed there. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from attrs import field, frozen

from supervisor.api import Json

_NOTIFICATIONS = "alertmanager_notifications_total"
_FAILED = "alertmanager_notifications_failed_total"
_ATTEMPTS_FAILED = "alertmanager_notification_requests_failed_total"
_RELOADED = "alertmanager_config_last_reload_successful"
_STARTED = "process_start_time_seconds"

_DROPPED = {
    "alertmanager_alerts_limited_total": "beyond --alerts.per-alertname-limit",
    "alertmanager_dispatcher_aggregation_group_limit_reached_total": "beyond its limit of groups",
    "alertmanager_dispatcher_aggregation_group_creation_given_up_total": "while it was too busy",
}
"""Alerts that were accepted and dropped, and why. Old versions do not count them."""

_NEEDED = (_NOTIFICATIONS, _FAILED, _ATTEMPTS_FAILED, _RELOADED, _STARTED, *_DROPPED)

START_TOLERANCE = 5.0
"""Seconds. The start of a process is told by the time of boot, which moves with the clock."""

MAX_INTEGRATIONS = 100
"""How many integrations of a peer are counted. A peer may send anything."""

MAX_NAME_CHARACTERS = 100
"""The length of the name of an integration that is counted."""

MAX_LINE_CHARACTERS = 4096
"""The length of a line that is read: the time of the parser grows with its square."""

Counts = Mapping[str, float]
"""Numbers by integration, such as "email"."""


@frozen
class Health:
    """What one Alertmanager has counted since it started."""

    started: float
    """Unix time."""

    notifications: Counts
    failed: Counts
    """Notifications that it has given up."""

    attempts_failed: Counts
    """Attempts that failed. It may have repeated them with success."""

    dropped: Counts | None = field(factory=dict)
    """Alerts that it has accepted and dropped, by the reason. None: the state does not know."""

    reloaded: bool = True
    """Whether it could read its configuration file the last time."""


@frozen
class Cluster:
    """The cluster that one Alertmanager sees."""

    members: tuple[str, ...]
    """The addresses of all members and its own. Empty: it does not belong to a cluster."""


@frozen
class Increase:
    """What was counted between two runs."""

    notifications: Counts = field(factory=dict)
    failed: Counts = field(factory=dict)
    attempts_failed: Counts = field(factory=dict)
    dropped: Counts = field(factory=dict)


def read_metrics(text: str) -> Health:
    """Read the answer to `GET /metrics`; raises `ValueError` when it is not an Alertmanager's.

    A line that is not in the text format is passed over.
    """
    totals: dict[str, dict[str, float]] = {}
    for line in text.split("\n"):
        if not line.startswith(_NEEDED) or len(line) > MAX_LINE_CHARACTERS:
            continue
        for name, labels, value in _samples(line):
            integration = labels.get("integration", "")
            series = totals.setdefault(name, {})
            is_full = len(series) >= MAX_INTEGRATIONS and integration not in series
            if is_full or len(integration) > MAX_NAME_CHARACTERS:
                continue
            total = series.get(integration, 0.0) + value
            if math.isfinite(total):
                series[integration] = total
    # A peer without receivers has counted no notification of any kind.
    if _RELOADED not in totals or _STARTED not in totals:
        raise ValueError("its metrics are not an Alertmanager's")
    return Health(
        started=totals[_STARTED].get("", 0.0),
        notifications=totals.get(_NOTIFICATIONS, {}),
        failed=totals.get(_FAILED, {}),
        attempts_failed=totals.get(_ATTEMPTS_FAILED, {}),
        dropped={
            why: sum(totals[metric].values())
            for metric, why in _DROPPED.items()
            if metric in totals
        },
        reloaded=totals[_RELOADED].get("") != 0,
    )


def _samples(line: str) -> list[tuple[str, Mapping[str, str], float]]:
    """Return name, labels and value of the one sample of a line; none when it has none to use."""
    from prometheus_client.parser import text_string_to_metric_families  # 70 ms, for this alone

    # Line by line: the parser gives up the whole text for one line that it cannot read.
    try:
        return [
            (sample.name, sample.labels, float(sample.value))
            for family in text_string_to_metric_families(line)
            for sample in family.samples
            if sample.name in _NEEDED
        ]
    except (ValueError, LookupError, OverflowError):  # OverflowError: of a number too long
        return []


def read_status(body: bytes) -> Cluster:
    """Read the answer to `GET /api/v2/status`.

    Raises `ValueError` when it is not an Alertmanager's.
    """
    try:
        cluster = json.loads(body)["cluster"]
        peers = cluster.get("peers") if cluster["status"] != "disabled" else None
        return Cluster(tuple(sorted(str(peer["address"]) for peer in peers or ())))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("its status is not an Alertmanager's") from error


def increase(before: Health | None, now: Health) -> Increase:
    """Return what was counted since the run before: nothing at first, all of it after a restart."""
    if before is None:
        return Increase()
    restarted = abs(now.started - before.started) > START_TOLERANCE
    dropped = now.dropped or {}
    known = dropped if before.dropped is None else before.dropped
    return Increase(
        _grown({} if restarted else before.notifications, now.notifications),
        _grown({} if restarted else before.failed, now.failed),
        _grown({} if restarted else before.attempts_failed, now.attempts_failed),
        _grown({} if restarted else known, dropped),
    )


def _grown(before: Counts, now: Counts) -> Counts:
    grown = {}
    for name, count in now.items():
        known = before.get(name, 0.0)
        # A counter that has become smaller was set back to 0.
        grown[name] = count - known if count >= known else count
    return {name: count for name, count in grown.items() if count > 0}


def to_state(health: Health) -> Json:
    """Return what the next run must know."""
    return {
        "started": health.started,
        "notifications": dict(health.notifications),
        "failed": dict(health.failed),
        "attempts_failed": dict(health.attempts_failed),
        "dropped": dict(health.dropped or {}),
    }


def from_state(value: Json) -> Health | None:
    """Return what `to_state` returned, None for anything else."""
    match value:
        case {
            "started": int() | float() as started,
            "notifications": dict() as notifications,
            "failed": dict() as failed,
            "attempts_failed": dict() as attempts_failed,
            **others,
        }:
            dropped = others.get("dropped")  # versions up to 0.1.0 did not keep it
            return Health(
                started,
                _counts(notifications),
                _counts(failed),
                _counts(attempts_failed),
                dropped=_counts(dropped) if isinstance(dropped, dict) else None,
            )
    return None


def _counts(value: Mapping[str, Json]) -> Counts:
    return {name: count for name, count in value.items() if isinstance(count, int | float)}
