"""What the fallback says: one message, as plain text and as HTML. Imported when one is due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from attrs import frozen

from supervisor.alerts.alert import Alert, State
from supervisor.config.service import Service
from supervisor.delivery.peer import PeerStatus
from supervisor.text import clean, counted, duration, seconds

MAX_ALERTS = 50
"""Alerts that a digest names. It says how many more there are."""

MAX_LINE = 300
"""Characters of one alert's message, and of one peer's error."""

MAX_SUBJECT = 200
"""Characters of a subject."""

_HEAD = '<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><body>'
"""The beginning of each page."""

_RANKS = {"W": 1, "I": 2, "S": 2}
"""The order of alerts by event type. All others come first."""


@frozen
class Message:
    """One message."""

    subject: str
    """One line."""

    text: str
    """Plain text."""

    html: str
    """The same for programs that show HTML."""


@frozen
class Moment:
    """A time, and the zone in which people read it."""

    now: float
    """Unix seconds."""

    timezone: ZoneInfo
    """The service's."""

    def at(self, moment: float) -> str:
        """Return a time for people."""
        return f"{datetime.fromtimestamp(moment, self.timezone):%Y-%m-%d %H:%M:%S %Z}"


def digest(
    service: Service,
    alerts: Iterable[Alert],
    peers: Sequence[PeerStatus],
    *,
    since: float,
    now: float,
) -> Message:
    """Return the message that no Alertmanager takes these alerts."""
    when, host = Moment(now, service.timezone), _host(service)
    found = sorted(alerts, key=lambda alert: (_RANKS.get(alert.event_type, 0), alert.starts_at))
    count, long = counted(len(found), "alert"), seconds(now - since)
    more = len(found) - MAX_ALERTS
    rows = [_alert(alert, when) for alert in found[:MAX_ALERTS]]
    if more > 0:
        rows.append((f"and {counted(more, 'more alert')}", ""))
    return _message(
        f"{service.service} on {host}: {count} not told, no Alertmanager has answered for {long}",
        f"This host, {host}, cannot tell its alerts: no Alertmanager has taken any for {long}.",
        (
            ("About", [("service", service.service), ("host", host), ("since", when.at(since))]),
            (f"{count} not told", rows),
            ("The Alertmanagers", [_peer(peer, when) for peer in peers]),
        ),
        "All alerts are kept. An Alertmanager gets them as soon as it answers. Until then, this "
        f"host sends such a message at most once in {duration(_every(service))}.",
    )


def end(service: Service, peers: Iterable[PeerStatus], *, since: float, now: float) -> Message:
    """Return the message that an Alertmanager answers again."""
    when, host = Moment(now, service.timezone), _host(service)
    return _message(
        f"{service.service} on {host}: an Alertmanager answers again",
        f"An Alertmanager takes the alerts of this host, {host}, again.",
        (
            ("About", [("service", service.service), ("host", host), ("since", when.at(since))]),
            ("The Alertmanagers", [_peer(peer, when) for peer in peers]),
        ),
        "It is sent all that has waited, and notifies of it as usual.",
    )


def test(service: Service, now: float) -> Message:
    """Return the message of `test-alert --fallback`."""
    when, host = Moment(now, service.timezone), _host(service)
    return _message(
        f"Test of the fallback of {service.service} on {host}",
        f"This is a test of this host, {host}; nothing is wrong.",
        (("About", [("service", service.service), ("host", host), ("time", when.at(now))]),),
        "Such a message comes when no Alertmanager has taken the alerts of this host for "
        f"{duration(service.fallback.after if service.fallback else 0)}.",
    )


def _every(service: Service) -> float:
    return service.fallback.every if service.fallback else 0.0


def _host(service: Service) -> str:
    return service.labels.get("host", "")


def _alert(alert: Alert, when: Moment) -> tuple[str, str]:
    """Return what fires, and since when and why."""
    name = " ".join(filter(None, (alert.event_type, alert.alertname, alert.instance)))
    message = alert.payload.annotations.get("message", "")
    word = "at" if alert.state is State.REPORT else "since"
    times = f"{word} {when.at(alert.starts_at)}"
    if alert.state is State.OVER and alert.ends_at is not None:
        times += f" until {when.at(alert.ends_at)}"
    return name, f"{times}: {_line(message)}"


def _peer(peer: PeerStatus, when: Moment) -> tuple[str, str]:
    """Return a peer's address, and why it takes nothing."""
    last = f"; it took something last at {when.at(peer.last_success)}" if peer.last_success else ""
    if peer.state == "ok":
        return peer.url, f"answers{last}"
    return peer.url, f"{_line(peer.error) or 'no answer'}{last}"


def _message(
    subject: str, first: str, parts: Iterable[tuple[str, list[tuple[str, str]]]], last: str
) -> Message:
    """Return a message of paragraphs and lists, in both forms."""
    lines, html = [first], [f"<p>{escape(clean(first))}</p>"]
    for title, rows in parts:
        lines += ["", f"{title}:"]
        html.append(f"<h3>{escape(clean(title))}</h3>\n<ul>")
        for name, text in rows:
            lines.append(f"- {name}" + (f"\n    {text}" if text else ""))
            html.append(f"<li><b>{escape(clean(name))}</b><br>{escape(clean(text))}</li>")
        html.append("</ul>")
    lines += ["", last]
    html.append(f"<p>{escape(clean(last))}</p>")
    return Message(
        subject=_line(subject)[:MAX_SUBJECT],
        text=clean("\n".join(lines)) + "\n",
        html="\n".join([_HEAD, *html, "</body></html>", ""]),
    )


def _line(text: str) -> str:
    """Return a text in one line without control characters, cut if it is long."""
    line = clean(" ".join(text.split()))
    return line if len(line) <= MAX_LINE else f"{line[: MAX_LINE - 1]}…"
