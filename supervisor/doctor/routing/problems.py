"""What in an Alertmanager's configuration would lose our alerts or notify of them twice. Pure.

`doctor` calls `samples` for the alerts that a service can send, and `findings` for each peer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from attrs import frozen

from supervisor.alerts.labels import alert_labels
from supervisor.alerts.self_alerts import HEARTBEAT, SUPERVISOR_MODULE
from supervisor.config.service import Module, Service
from supervisor.doctor.findings import Finding
from supervisor.doctor.routing import event_types, short_conditions
from supervisor.doctor.routing.routes import Route, Routing
from supervisor.observations import Condition, Report
from supervisor.text import duration

NO_LOST_MAILS = (0, 28)
"""The first version that sends a mail again when the mail server refuses it after DATA."""

_EVENT_ID = "0000000000000000"
"""The event_id of a sample. No matcher that makes sense depends on its digits."""


@frozen
class Sample:
    """The labels of an alert that a service may send."""

    event_type: str
    labels: Mapping[str, str]
    is_report: bool = False

    module: str = ""
    """The module whose conditions it stands for. Empty: it is a report, or our own."""


def samples(service: Service) -> tuple[Sample, ...]:
    """Return an alert of each event type for each enabled module, and the supervisor's own."""
    found = [
        sample
        for module in service.modules
        if module.enabled
        for sample in (
            *(_condition(service, module, kind) for kind in _types(module)),
            *(_report(service, module, kind) for kind in ("I", "S")),
        )
    ]
    found.append(_condition(service, SUPERVISOR_MODULE, "TE"))
    if service.heartbeat:
        found.append(
            _condition(service, SUPERVISOR_MODULE, HEARTBEAT.event_type, HEARTBEAT.alertname)
        )
    return tuple(found)


def _types(module: Module) -> Iterable[str]:
    """Return the event types of a module's conditions: those of most checks, and its own."""
    return dict.fromkeys(("W", "E", "TE", *event_types.given(module.params)))


def _condition(service: Service, module: Module, event_type: str, name: str = "Any") -> Sample:
    condition = Condition(name, event_type, "", "")
    # What fails is TE. It says that nothing is known, however long it lasts.
    own = "" if event_type == event_types.OWN or module is SUPERVISOR_MODULE else module.name
    return Sample(event_type, alert_labels(service, module, condition), module=own)


def _report(service: Service, module: Module, event_type: str) -> Sample:
    report = Report("Any", "", event_type=event_type)
    labels = alert_labels(service, module, report, _EVENT_ID)
    return Sample(event_type, labels, is_report=True)


def receivers(routing: Routing, alerts: Iterable[Sample]) -> dict[str, tuple[str, ...]]:
    """Return the receivers that each event type reaches, in the order of the routes."""
    found: dict[str, dict[str, None]] = {}
    for alert in alerts:
        names = found.setdefault(alert.event_type, {})
        names.update(dict.fromkeys(route.receiver for route in routing.reached(alert.labels)))
    return {event_type: tuple(names) for event_type, names in found.items()}


def findings(
    routing: Routing, version: str, service: Service, alerts: Iterable[Sample]
) -> tuple[Finding, ...]:
    """Return what is wrong with a peer's configuration for these alerts, each problem once."""
    found: dict[Finding, None] = {}
    mails = False
    longest: dict[str, Route] = {}
    for alert in alerts:
        reached = routing.reached(alert.labels)
        if not reached:
            found[_unmatched(alert)] = None
        for route in reached:
            integrations = routing.receivers.get(route.receiver, ())
            mails = mails or any(each.kind == "email" for each in integrations)
            found.update(dict.fromkeys(_of_route(routing, route, alert, service)))
            if alert.module:
                known = longest.get(alert.module, route)
                longest[alert.module] = max(known, route, key=lambda each: each.group_wait)
    if mails and (finding := _of_version(version)):
        found[finding] = None
    found.update(dict.fromkeys(_of_resolve_timeout(routing, service)))
    modules = {module.name: module for module in service.modules}
    found.update(dict.fromkeys(short_conditions.findings(longest, modules)))
    found.update(dict.fromkeys(event_types.findings(routing, service)))
    return tuple(found)


def _unmatched(alert: Sample) -> Finding:
    return Finding(
        f"alerts of type {alert.event_type} match no route",
        "remove the matchers from the top route",
    )


def _of_route(routing: Routing, route: Route, alert: Sample, service: Service) -> Iterator[Finding]:
    integrations = routing.receivers.get(route.receiver, ())
    if not integrations:
        yield Finding(
            f"alerts of type {alert.event_type} reach the receiver '{route.receiver}', "
            "which has no integration",
            f"give '{route.receiver}' an email_configs, or add a route with the matcher "
            f'event_type="{alert.event_type}" to a receiver that has one',
        )
    elif alert.is_report:
        yield from _of_reports(route, service)
        if any(each.send_resolved for each in integrations):
            yield Finding(
                f"reports are notified a second time when they end: '{route.receiver}' has "
                "send_resolved: true",
                "add a receiver with send_resolved: false and a route to it with the matcher "
                'event_id!=""',
                serious=False,
            )
    else:
        yield from _of_conditions(route, service)


def _of_reports(route: Route, service: Service) -> Iterator[Finding]:
    where = f"the route to '{route.receiver}'"
    lifetime, visible = service.report_lifetime, service.alertmanager.min_visible
    if not route.tells_apart("event_id"):
        yield Finding(
            f"{where} groups reports by {_names(route.group_by)}: of several that overlap one "
            "may be lost or notified twice",
            "add event_id to its group_by",
        )
    if route.group_wait >= lifetime:
        yield Finding(
            f"{where} waits {duration(route.group_wait)} (group_wait), but a report ends after "
            f"{duration(lifetime)}: no report is ever notified",
            f"set its group_wait below {duration(lifetime)}, or report_lifetime of the service "
            f"file above {duration(route.group_wait)}",
        )
    elif route.group_wait >= visible:
        yield _too_short(where, "group_wait", route.group_wait, visible)
    if route.repeat_interval <= lifetime:
        yield Finding(
            f"{where} repeats after {duration(route.repeat_interval)} (repeat_interval), but a "
            f"report lasts {duration(lifetime)}: it is notified more than once",
            f"set its repeat_interval above {duration(lifetime)}",
        )
    if route.muted:
        yield Finding(
            f"{where} is muted at times: a report made then is never notified",
            'route reports (event_id!="") to it without mute_time_intervals and '
            "active_time_intervals",
        )


def _of_conditions(route: Route, service: Service) -> Iterator[Finding]:
    visible = service.alertmanager.min_visible
    for name in ("group_wait", "group_interval"):
        seconds = float(getattr(route, name))
        if seconds >= visible:
            yield _too_short(f"the route to '{route.receiver}'", name, seconds, visible)


def _too_short(where: str, name: str, seconds: float, visible: float) -> Finding:
    return Finding(
        f"{where} waits {duration(seconds)} ({name}), but an alert that began and ended while no "
        f"Alertmanager could be reached is shown to it for {duration(visible)} only",
        f"set its {name} below {duration(visible)}, or min_visible of the service file above "
        f"{duration(seconds)}",
    )


def _of_version(version: str) -> Finding | None:
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    if numbers is None or (int(numbers[1]), int(numbers[2])) >= NO_LOST_MAILS:
        return None
    return Finding(
        f"Alertmanager {version} counts a mail as sent when the mail server refuses it after DATA",
        "upgrade it to 0.28 or newer",
        serious=False,
    )


def _of_resolve_timeout(routing: Routing, service: Service) -> Iterator[Finding]:
    """Yield a finding for alerts of other senders: those of ours say when they end."""
    if routing.resolve_timeout < service.resend_interval:
        yield Finding(
            f"resolve_timeout is {duration(routing.resolve_timeout)}: an alert without an end, "
            "such as the legacy agent sends, is resolved before it is sent again",
            f"set resolve_timeout in the section global to 5m, or at least above "
            f"{duration(service.resend_interval)}",
            serious=False,
        )


def _names(labels: Iterable[str]) -> str:
    return ", ".join(labels) or "nothing"
