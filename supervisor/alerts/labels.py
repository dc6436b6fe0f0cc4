"""Labels, fingerprint and annotations of an alert. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from supervisor.alerts.payload import Payload, local_time
from supervisor.config.service import RESERVED_FROM_CHECKS, Module, Service
from supervisor.observations import Condition, Report


def alert_labels(
    service: Service, module: Module, observation: Condition | Report, event_id: str = ""
) -> dict[str, str]:
    """Return the labels of an alert, which are its identity at every peer."""
    given = observation.labels.items()
    own = {name: value for name, value in given if name not in RESERVED_FROM_CHECKS}
    labels = {
        "service": service.service,
        **service.labels,
        **module.labels,
        **own,
        "alertname": observation.alertname,
        "event_type": observation.event_type,
        "check": module.name,
        "event_id": event_id,
    }
    if isinstance(observation, Condition):
        labels["instance"] = observation.instance
    # Alertmanager drops empty labels. It would compute another fingerprint.
    return {name: value for name, value in sorted(labels.items()) if value}


def event_id(service: Service, module: str, scheduled: float, alertname: str, ordinal: int) -> str:
    """Return what tells one report from all others. The same report always gets the same one."""
    host = service.labels.get("host", "")
    return digest((service.service, host, module, f"{scheduled:.3f}", alertname, str(ordinal)))


def fingerprint_of(labels: Mapping[str, str]) -> str:
    """Return the identity of a set of labels."""
    return digest(part for pair in sorted(labels.items()) for part in pair)


def digest(parts: Iterable[str]) -> str:
    """Return 16 hexadecimal digits that stand for the parts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def alert_annotations(
    service: Service,
    module: Module,
    observation: Condition | Report,
    starts_at: float,
    **extra: str,
) -> dict[str, str]:
    """Return the annotations of an alert that began at `starts_at`."""
    found = {
        **module.annotations,
        "event_time": local_time(starts_at, service.timezone),
        **observation.annotations,
        "message": observation.message,
        "detail": observation.detail,
        **extra,
    }
    return {name: value for name, value in found.items() if value or name == "message"}


def payload_of(
    service: Service,
    module: Module,
    observation: Condition | Report,
    labels: Mapping[str, str],
    *,
    starts_at: float,
) -> Payload:
    """Return what is posted of an observation."""
    notes = alert_annotations(service, module, observation, starts_at)
    return Payload.of(labels, notes, service.status.external_url)
