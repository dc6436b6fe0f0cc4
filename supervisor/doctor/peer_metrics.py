"""What an Alertmanager says of itself: its status, and metrics that tell that it fails. Pure.

`doctor` calls `read_status` for `GET /api/v2/status` and `findings` for `GET /metrics`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from attrs import frozen

from supervisor.doctor.findings import Finding
from supervisor.errors import SupervisorError

_SERIES = re.compile(r"(alertmanager_[a-z_]+)(?:\{(.*)\})? (\S+)(?: -?\d+)?")
_INTEGRATION = re.compile(r'(?:^|,)integration="([^"]*)"')


class StatusUnreadable(SupervisorError):
    """What answers is no Alertmanager with API v2."""


@frozen
class Status:
    """A peer's own account; `configuration` is YAML with the secrets hidden."""

    version: str
    configuration: str


def read_status(body: bytes) -> Status:
    """Read the answer to `GET /api/v2/status`; raises `StatusUnreadable`."""
    try:
        document = json.loads(body)
        version = document["versionInfo"]["version"]
        configuration = document["config"]["original"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StatusUnreadable("cannot read its status: it is no Alertmanager's") from error
    if not isinstance(version, str) or not isinstance(configuration, str):
        raise StatusUnreadable("cannot read its status: version and configuration are no text")
    return Status(version, configuration)


Totals = Mapping[str, Mapping[str, float]]
"""By metric and integration ("" where there is none), the sum over all other labels."""


def read_metrics(text: str) -> Totals:
    """Read a peer's metrics in Prometheus' text format; lines that are none are passed over."""
    totals: dict[str, dict[str, float]] = {}
    for line in text.splitlines():
        found = _SERIES.fullmatch(line)
        if found is None:
            continue
        try:
            value = float(found[3])
        except ValueError:
            continue
        integration = _INTEGRATION.search(found[2] or "")
        key = integration[1] if integration else ""
        series = totals.setdefault(found[1], {})
        series[key] = series.get(key, 0.0) + value
    return totals


def findings(totals: Totals, peers: int) -> tuple[Finding, ...]:
    """Return what a peer's metrics say is wrong, of one that is one of so many `urls`."""
    return (
        *_of_notifications(totals),
        *_of_configuration(totals),
        *_of_cluster(totals, peers),
        *_of_limits(totals),
    )


def _of_notifications(totals: Totals) -> Iterator[Finding]:
    """Yield a finding for each integration that fails; attempts only where nothing was given up."""
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
        # One failure long ago is no alarm for ever.
        serious=failed * 10 >= everything,
    )


def _of_configuration(totals: Totals) -> Iterator[Finding]:
    if _value(totals, "alertmanager_config_last_reload_successful", 1) == 0:
        yield Finding(
            "its configuration file has an error: it runs on with the one from before",
            "run amtool check-config on that file, correct it, and reload",
        )
    if _value(totals, "alertmanager_nflog_maintenance_errors_total") > 0:
        yield Finding(
            "it cannot write what it has notified (nflog) to disk: a restart notifies again",
            "make the directory --storage.path writable and not full",
        )


def _of_cluster(totals: Totals, peers: int) -> Iterator[Finding]:
    members = _value(totals, "alertmanager_cluster_members")
    if _value(totals, "alertmanager_cluster_enabled", members) == 0:
        members = 0
    failed = _value(totals, "alertmanager_cluster_failed_peers")
    if peers > 1 and members == 0:
        yield Finding(
            f"it is in no cluster, but urls has {peers} peers: each of them notifies of each event",
            "start it with --cluster.listen-address and a --cluster.peer for each other peer",
        )
    elif 0 < members < peers:
        yield Finding(
            f"it sees {members:.0f} of the {peers} peers in urls: events may be notified twice",
            "give it a --cluster.peer for each other peer, and let port 9094 pass by TCP and UDP",
        )
    elif members > max(peers, 1):
        yield Finding(
            f"its cluster has {members:.0f} members, but urls has {peers}: a member that is "
            "not posted to notifies of nothing",
            "write every member in urls of the service file",
        )
    if failed > 0:
        yield Finding(
            f"it has lost {failed:.0f} of its cluster's peers", "look whether they run", False
        )


def _of_limits(totals: Totals) -> Iterator[Finding]:
    limited = _value(totals, "alertmanager_alerts_limited_total")
    if limited > 0:
        yield Finding(
            f"it has dropped {limited:.0f} alerts that it said it took",
            "raise --alerts.per-alertname-limit, or leave it out",
        )


def _value(totals: Totals, metric: str, otherwise: float = 0.0) -> float:
    series = totals.get(metric)
    return sum(series.values()) if series else otherwise
