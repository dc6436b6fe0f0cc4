"""The command `test-alert`: send one report to each peer, and name the receiver that gets it.

With `--fallback` it sends a test by each channel of the fallback instead.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from functools import partial
from secrets import token_hex
from urllib.parse import quote

from supervisor.alerts import sanitize
from supervisor.alerts.labels import alert_annotations, alert_labels
from supervisor.alerts.payload import Payload
from supervisor.alerts.self_alerts import SUPERVISOR_MODULE
from supervisor.commands.options import load_service_file
from supervisor.config.service import Service
from supervisor.delivery.client import Client
from supervisor.delivery.clock_skew import shift_for
from supervisor.delivery.replies import Reply
from supervisor.doctor import peer_metrics
from supervisor.doctor.findings import Finding
from supervisor.doctor.peer import MAX_ANSWER_BYTES
from supervisor.doctor.routing import event_types, routes
from supervisor.errors import SupervisorError
from supervisor.host import resolver
from supervisor.host.clock import Clock
from supervisor.observations import Report

ALERTNAME = "Test alert"
"""The report's alertname."""


EXAMPLES = (
    ("test-alert --service Shop", "send a report of type I"),
    ("test-alert --service Shop --event-type E", "follow the route of errors"),
    ("test-alert --service Shop --fallback", "try the mail and the command of [fallback]"),
)
"""What `--help` shows: a command line, and what it does."""

EXIT_CODES = {
    0: "each Alertmanager has taken it; with --fallback, each channel",
    1: "one has not",
    2: "the command line is wrong",
    78: "the service file is missing or wrong",
}
"""What `--help` says of the exit codes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "--event-type",
        metavar="T",
        default="I",
        help="default: I; one that no route knows gets a warning",
    )
    parser.add_argument(
        "--fallback",
        action="store_true",
        help="send a test by each channel of [fallback], and no alert",
    )


def run(options: argparse.Namespace) -> int:
    """Send the report. Return 1 if a peer did not take it."""
    service = load_service_file(options)
    if options.fallback:
        return 0 if resolver.run(send_test_message, service) else 1
    if not service.alertmanager.urls:
        raise SupervisorError(
            f"cannot send a test alert: {service.path} names no Alertmanager; "
            "write alertmanager.urls"
        )
    return 0 if resolver.run(send_test_alert, service, options.event_type) else 1


async def send_test_message(service: Service) -> bool:
    """Send a test by each channel of the fallback, and print what became of it."""
    from supervisor.delivery.fallback import channels, message  # smtplib and email are large
    from supervisor.delivery.fallback.result import Fate

    settings = service.fallback
    if settings is None:
        raise SupervisorError(
            f"cannot send a test: {service.path} has no [fallback]; see docs/how-to/last-resort.md"
        )
    text, identity = message.test(service, Clock().now()), f"test.{token_hex(8)}"
    fates = []
    for channel, target in channels.channels(settings):
        result = await channels.sender(settings, channel)(text, identity)
        fates.append(result.fate)
        said = "sent" if result.fate is Fate.SENT else "not sent"
        print(f"{channel}: {said}: {target}{result.why and f': {result.why}'}")
    return all(fate is Fate.SENT for fate in fates)


async def send_test_alert(service: Service, event_type: str) -> bool:
    """Send the report to each peer and print the answer. Return whether all took it."""
    now = Clock().now()
    message = f"This is a test of {service.service} on {service.labels['host']}; nothing is wrong."
    report = sanitize.clean_observation(Report(ALERTNAME, message, event_type=event_type))
    assert isinstance(report, Report)  # noqa: S101 - for the type checker
    identity = token_hex(8)
    labels = alert_labels(service, SUPERVISOR_MODULE, report, identity)
    body = Payload.of(labels, alert_annotations(service, SUPERVISOR_MODULE, report, now))
    send = partial(_send, service=service, body=body, identity=identity, now=now)
    results = [await send(url) for url in service.alertmanager.urls]
    return all(results)


async def _send(url: str, *, service: Service, body: Payload, identity: str, now: float) -> bool:
    async with Client(url, service.alertmanager) as client:
        status = await client.get("/api/v2/status", now, MAX_ANSWER_BYTES)
        skew = 0.0 if status.date is None else status.date - now
        shift = shift_for(skew, 0.0)
        data = body.at(now + shift, now + shift + service.report_lifetime)
        answer = await client.post([data], now)
        if answer.reply is not Reply.DELIVERED:
            print(f"{url}: not taken: {answer}")
            return False
        matcher = quote(f'event_id="{identity}"')
        found = await client.get(f"/api/v2/alerts?filter={matcher}", now)
        print(f"{url}: taken ({answer.reason}); receiver: {_receivers(found.body)}")
        for finding in _unknown_type(status.body, body.labels["event_type"]):
            print(f"{url}: warning: {finding}")
        return True


def _receivers(body: bytes) -> str:
    """Return the receivers that the peer itself names for the alert."""
    try:
        alerts = json.loads(body)
        names = [receiver["name"] for alert in alerts for receiver in alert["receivers"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        names = []
    return ", ".join(names) or "unknown"


def _unknown_type(status: bytes, event_type: str) -> Iterator[Finding]:
    """Yield a finding if no route of the peer knows the event type, as far as that can be read."""
    try:
        tree = routes.read(peer_metrics.read_status(status).configuration)
    except SupervisorError:
        return
    yield from event_types.unknown(tree, event_type)
