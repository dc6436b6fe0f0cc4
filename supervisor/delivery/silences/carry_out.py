"""Carry out what the command `silence` asks for, as JSON in and JSON out.

The running supervisor does, since it has the credentials. Without one, the command does itself.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

from attrs import frozen

from supervisor.alerts.alert import Alert
from supervisor.alerts.self_alerts import HEARTBEAT
from supervisor.config.service import Service
from supervisor.delivery.silences import orders
from supervisor.delivery.silences.requests import Connect, connected
from supervisor.delivery.silences.silence import LIFETIME, MARK, Matcher, Silence
from supervisor.delivery.silences.waiting import WaitingSilences
from supervisor.errors import SupervisorError, UsageError
from supervisor.host.clock import Clock
from supervisor.text import advice, clean_label, clean_text, rfc3339

JsonObject: TypeAlias = dict[str, Any]
"""A request, or its answer."""

MAX_SECONDS = 366 * 86400.0
"""Seconds for which a silence may last at most."""

MAX_REASON_BYTES = 1024
"""Bytes of the reason, and of the name of who gives it, at most."""

MAX_NAMED = 10
"""Alerts that fire and are named in the answer, at most."""


@frozen(kw_only=True)
class Surroundings:
    """What is needed besides the request."""

    service: Service
    """The service file that is in force."""

    connect: Connect
    """Returns a new client for each peer."""

    clock: Clock
    """The host's clock."""

    alerts: Collection[Alert] | None = None
    """All alerts, or None if no supervisor runs."""

    waiting: WaitingSilences | None = None
    """Silences that no peer has taken yet, or None if no supervisor runs."""


async def carry_out(request: Mapping[str, Any], around: Surroundings) -> JsonObject:
    """Do what the request asks for, and return the document of `silence --format json`.

    Raises `SupervisorError`.
    """
    if not around.service.alertmanager.urls:
        raise SupervisorError(f"{around.service.path} names no Alertmanager: nothing is silenced")
    what = request.get("what")
    wanted = _wanted(request, around) if what == "make" else []
    async with connected(around.connect) as clients:
        if what == "make":
            outcome = await orders.make(clients, wanted, around.clock)
        elif what == "end":
            outcome = await orders.end(clients, _identities(request), around.clock)
        else:
            outcome = await orders.listed(clients, _fixed_labels(around.service), around.clock)
    if around.waiting is not None:
        await _let_wait(request, wanted, outcome, around.waiting, around.clock.now())
    return _document(outcome, around)


async def _let_wait(
    request: Mapping[str, Any],
    wanted: Sequence[Silence],
    outcome: orders.Outcome,
    waiting: WaitingSilences,
    now: float,
) -> None:
    """Keep what no peer could be asked for. List or end what was kept before."""
    found: list[Silence] = []
    try:
        if request.get("what") == "end":
            found = await waiting.end(_identities(request))
        elif not wanted:
            found = waiting.all(now)
        elif not outcome.silences and outcome.silent:
            found = await waiting.keep(wanted, outcome.silent, now)
    except OSError as error:
        raise SupervisorError(f"cannot write {waiting.path}: {error.strerror}") from error
    outcome.silences |= {silence.id: silence for silence in found}


def _identities(request: Mapping[str, Any]) -> list[str]:
    return [str(each) for each in request.get("ids", ())]


def _document(outcome: orders.Outcome, around: Surroundings) -> JsonObject:
    service, alerts = around.service, around.alerts
    silences = sorted(outcome.silences.values(), key=lambda silence: silence.ends_at)
    return {
        "timezone": service.timezone.key,
        "silences": [
            {
                "id": silence.id,
                "state": silence.state,
                "matchers": [str(each) for each in silence.matchers],
                "created_by": silence.created_by,
                "comment": silence.comment,
                "starts_at": silence.starts_at,
                "ends_at": rfc3339(silence.ends_at),
                "until_resolved": silence.is_until_resolved,
                "alerts": None if alerts is None else _named(silence, alerts),
                "peers": outcome.peers.get(silence.id, []),
            }
            for silence in silences
        ],
        "peers": [
            {"url": url, "error": outcome.failed.get(url, "")} for url in service.alertmanager.urls
        ],
    }


def _named(silence: Silence, alerts: Collection[Alert]) -> list[str]:
    """Return which alerts that fire now it silences, by alertname and instance."""
    found: list[str] = []
    for alert in alerts:
        if alert.is_sent_as_firing and silence.matches(alert.payload.labels):
            found.append(f"{alert.alertname} {alert.instance}".strip())
            if len(found) == MAX_NAMED:
                break
    return found


def _wanted(request: Mapping[str, Any], around: Surroundings) -> list[Silence]:
    """Return the silences to make."""
    until_resolved = bool(request.get("until_resolved"))
    seconds = LIFETIME if until_resolved else _seconds(request)
    reason = clean_text(str(request.get("reason") or ""), MAX_REASON_BYTES).strip()
    if not reason:
        raise UsageError("why? write --reason TEXT")
    now = around.clock.now()
    return [
        Silence(
            matchers=tuple(sorted(matchers, key=lambda each: each.name)),
            starts_at=rfc3339(now),
            ends_at=now + seconds,
            created_by=clean_text(str(request.get("by") or "unknown"), MAX_REASON_BYTES),
            comment=f"{MARK if until_resolved else ''}{reason}",
        )
        for matchers in _matchers(request, around, until_resolved=until_resolved)
    ]


def _seconds(request: Mapping[str, Any]) -> float:
    seconds = request.get("seconds")
    if not isinstance(seconds, int | float) or not math.isfinite(seconds):
        raise UsageError("for how long? write --for 2h")
    if not 0 < seconds <= MAX_SECONDS:
        raise UsageError("--for: write more than 0s, and at most 366d")
    return float(seconds)


def _matchers(
    request: Mapping[str, Any], around: Surroundings, *, until_resolved: bool
) -> list[list[Matcher]]:
    """Return the matchers of each silence. Raises `UsageError` or `SupervisorError`."""
    labels = _fixed_labels(around.service)
    host = Matcher("host", labels["host"])
    if request.get("host"):
        return [[host, Matcher("alertname", HEARTBEAT.alertname, is_equal=False)]]
    module, item = str(request.get("module") or ""), request.get("item")
    item = None if item is None else clean_label(str(item))
    known = [each.name for each in around.service.modules]
    if module not in known:
        raise UsageError(f"there is no module {module!r}; {advice(module, known)}")
    firing = [
        alert
        for alert in around.alerts or ()
        if alert.is_sent_as_firing and alert.module == module and item in (None, alert.instance)
    ]
    if until_resolved:
        if around.alerts is None:
            raise SupervisorError(
                "the supervisor does not run, and only it can end a silence with its alert; "
                "write --for 2h: nothing is silenced"
            )
        if not firing:
            about = f"module {module!r}" + ("" if item is None else f" about {item!r}")
            raise SupervisorError(
                f"no alert of {about} fires, so there is no end to wait for; write --for 2h: "
                "nothing is silenced"
            )
        return [_exactly(alert) for alert in _one_of_each_condition(firing)]
    # A check may give its alerts another label `service`.
    services = {alert.payload.labels.get("service", "") for alert in firing}
    service = services.pop() if len(services) == 1 else labels["service"]
    matchers = [Matcher("service", service), host, Matcher("check", module)]
    return [matchers if item is None else [*matchers, Matcher("instance", item)]]


def _exactly(alert: Alert) -> list[Matcher]:
    """Return what matches this condition alone, also when it fires with another type."""
    labels = alert.payload.labels
    names = ("service", "host", "check", "alertname", "instance")
    return [Matcher(name, labels.get(name, "")) for name in names]


def _one_of_each_condition(alerts: Sequence[Alert]) -> list[Alert]:
    return [*{alert.key: alert for alert in alerts}.values()]


def _fixed_labels(service: Service) -> dict[str, str]:
    """Return the labels that all alerts of the service have."""
    return {"host": "", **service.labels, "service": service.service}
