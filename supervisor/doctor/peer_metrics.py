"""What an Alertmanager says about itself: its status, and metrics that show that it fails. Pure.

`doctor` calls `read_status` for `GET /api/v2/status` and `findings` for `GET /metrics`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from attrs import frozen

from supervisor.doctor.findings import Finding
from supervisor.errors import SupervisorError

MAX_LINE_LENGTH = 4096
"""Characters of a line of metrics. The parser needs too long for longer ones."""

Totals: TypeAlias = Mapping[str, Mapping[str, float]]
"""By metric and integration ("" where there is none), the sum over all other labels."""


class StatusUnreadable(SupervisorError):
    """The answer is not that of an Alertmanager with API v2."""


@frozen
class AlertmanagerStatus:
    """What `GET /api/v2/status` tells. `configuration` is YAML with the secrets hidden."""

    version: str
    configuration: str


def read_status(body: bytes) -> AlertmanagerStatus:
    """Read the answer to `GET /api/v2/status`. Raises `StatusUnreadable`."""
    try:
        document = json.loads(body)
        version = document["versionInfo"]["version"]
        configuration = document["config"]["original"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StatusUnreadable(
            "cannot read its status: the answer is not an Alertmanager's"
        ) from error
    if not isinstance(version, str) or not isinstance(configuration, str):
        raise StatusUnreadable("cannot read its status: version and configuration are not text")
    return AlertmanagerStatus(version, configuration)


def read_metrics(text: str) -> Totals:
    """Read an Alertmanager's metrics in Prometheus' text format.

    Lines that cannot be read are skipped.
    """
    totals: dict[str, dict[str, float]] = {}
    for line in text.split("\n"):
        if line.startswith("alertmanager_") and len(line) <= MAX_LINE_LENGTH:
            for metric, integration, value in _samples(line):
                series = totals.setdefault(metric, {})
                series[integration] = series.get(integration, 0.0) + value
    return totals


def _samples(line: str) -> Iterator[tuple[str, str, float]]:
    """Yield metric, integration and value of a line; nothing if it cannot be read."""
    from prometheus_client.parser import text_string_to_metric_families  # `doctor` alone needs it

    try:
        for family in text_string_to_metric_families(line):
            for sample in family.samples:
                yield sample.name, sample.labels.get("integration", ""), float(sample.value)
    except (ValueError, OverflowError):  # an integer may be too large for a float
        return


def findings(totals: Totals, peers: int) -> tuple[Finding, ...]:
    """Return what the metrics of one peer say is wrong; `peers` is the number of `urls`."""
    return (
        *_of_notifications(totals),
        *_of_configuration(totals),
        *_of_cluster(totals, peers),
        *_of_limits(totals),
    )


def _of_notifications(totals: Totals) -> Iterator[Finding]:
    """Yield a finding for each integration that fails.

    Failed attempts count only where no notification was given up.
    """
    for noun, metric in (
        ("notifications", "alertmanager_notifications"),
        ("attempts to notify", "alertmanager_notification_requests"),
    ):
        everything = totals.get(f"{metric}_total", {})
        found = [
            _failing(noun, integration, failed, everything.get(integration, failed))
            for integration, failed in sorted(totals.get(f"{metric}_failed_total", {}).items())
            if failed > 0
        ]
        if found:
            yield from found
            return


def _failing(noun: str, integration: str, failed: float, everything: float) -> Finding:
    return Finding(
        f"{failed:.0f} of {max(everything, failed):.0f} {noun} by {integration or 'it'} have "
        "failed since it started",
        "look in its log for 'Notify for alerts failed' and 'Notify attempt failed', which give "
        "the reason",
        # One failure long ago must not be an error for ever.
        serious=failed * 10 >= everything,
    )


def _of_configuration(totals: Totals) -> Iterator[Finding]:
    if _value(totals, "alertmanager_config_last_reload_successful", 1) == 0:
        yield Finding(
            "its configuration file has an error: it still uses the configuration from before",
            "run amtool check-config on that file, correct it, and reload",
        )
    if _value(totals, "alertmanager_nflog_maintenance_errors_total") > 0:
        yield Finding(
            "it cannot write to disk what it has notified (nflog): a restart notifies again",
            "make the directory --storage.path writable, and make room in it",
        )


def _of_cluster(totals: Totals, peers: int) -> Iterator[Finding]:
    members = _value(totals, "alertmanager_cluster_members")
    if _value(totals, "alertmanager_cluster_enabled", members) == 0:
        members = 0
    failed = _value(totals, "alertmanager_cluster_failed_peers")
    if peers > 1 and members == 0:
        yield Finding(
            f"it is not in a cluster, but urls has {peers} peers: each of them notifies of each "
            "event",
            "start it with --cluster.listen-address and a --cluster.peer for each other peer",
        )
    elif 0 < members < peers:
        yield Finding(
            f"it sees {members:.0f} of the {peers} peers in urls: events may be notified twice",
            "give it a --cluster.peer for each other peer, and let port 9094 pass by TCP and UDP",
        )
    elif members > max(peers, 1):
        yield Finding(
            f"its cluster has {members:.0f} members, but urls has {peers}: the supervisor does "
            "not post to every member, and the others do not notify",
            "write every member in urls of the service file",
        )
    if failed > 0:
        yield Finding(
            f"it has lost {failed:.0f} of its cluster's peers",
            "look whether they run",
            serious=False,
        )


def _of_limits(totals: Totals) -> Iterator[Finding]:
    limited = _value(totals, "alertmanager_alerts_limited_total")
    if limited > 0:
        yield Finding(
            f"it has dropped {limited:.0f} alerts that it had accepted",
            "raise --alerts.per-alertname-limit, or leave it out",
        )
    for what, why, remedy in (
        ("limit_reached", "more groups than it may have", "raise its limit of aggregation groups"),
        ("creation_given_up", "it was too busy to group them", "give it more processors"),
    ):
        count = _value(totals, f"alertmanager_dispatcher_aggregation_group_{what}_total")
        if count > 0:
            yield Finding(
                f"it has dropped {count:.0f} alerts that it had accepted: {why}",
                f"{remedy}, or let group_by of its routes name fewer labels",
            )


def _value(totals: Totals, metric: str, otherwise: float = 0.0) -> float:
    series = totals.get(metric)
    return sum(series.values()) if series else otherwise
