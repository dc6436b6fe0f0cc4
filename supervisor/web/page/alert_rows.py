"""Alerts in the words of the page: the worst first, and what a person can do about each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from attrs import define, field

from supervisor.alerts.alert import SUPERVISOR, Alert
from supervisor.alerts.self_alerts import MODULE_FAILED, TOO_MANY_CONDITIONS
from supervisor.control.at_peers import in_words
from supervisor.control.socket_client import JsonObject
from supervisor.web.page.durations import Moments, minutes
from supervisor.web.page.links import Actions, actions, module_path, web_link
from supervisor.web.page.rows import AlertRow, Delivery
from supervisor.web.page.verdict import COLOURS

MAX_ACTIONS = 50
"""Alerts of one page that show what can be done. Others have it on pages of their own."""

RANKS = {"firing": 0, "quarantined": 0, "pending": 1, "held": 2, "resolved": 3}
"""The order of alerts, by state."""

SEVERITIES = {"red": 0, "amber": 1, "blue": 2, "grey": 3}
"""The order of alerts in the same state, by colour."""

TYPE_WORDS = {
    "E": "Error",
    "W": "Warning",
    "I": "Information",
    "S": "Service",
    "TE": "Technical error",
}
"""Event types in words, for those who do not see the badge."""

_ACTIVE = ("firing", "quarantined")
"""The states of an alert about which something can be done."""


def worst_first(alerts: Iterable[JsonObject]) -> list[JsonObject]:
    """Return the alerts by state and severity, then the oldest first."""
    return sorted(
        alerts,
        key=lambda alert: (
            RANKS.get(alert["state"], len(RANKS)),
            SEVERITIES[colour_of(alert["event_type"])],
            alert["starts_at"] or "~",
        ),
    )


def colour_of(event_type: str) -> str:
    """Return the class of an event type in the style sheet."""
    return COLOURS.get(event_type, "red")


def kind_of(alert: Alert | JsonObject) -> str:
    """Return the event type in words."""
    event_type = alert.event_type if isinstance(alert, Alert) else alert["event_type"]
    return TYPE_WORDS.get(event_type, f"Type {event_type}" if event_type else "Not fired yet")


def module_of(alert: JsonObject) -> str:
    """Return the module that an alert is about, which may be one of the supervisor's own."""
    if alert["check"] == SUPERVISOR:
        key = alert["alertname"], alert["instance"]
        for kind in (MODULE_FAILED, TOO_MANY_CONDITIONS):
            if subject := kind.subject_of(key):
                return subject
    name: str = alert["check"]
    return name


@define
class AlertRows:
    """Makes the rows of alerts."""

    now: float
    """Unix seconds."""

    moments: Moments
    status: JsonObject
    known: Mapping[str, Alert]
    """The present alerts by their fingerprints."""

    past: Sequence[Alert]
    """Past alerts."""

    program: Sequence[str]
    """Our program and its service, as a person types them."""

    _episodes: dict[str, list[Alert]] = field(init=False)
    _modules: dict[str, str] = field(init=False)
    _url: str = field(init=False)
    _acted: int = 0

    def __attrs_post_init__(self) -> None:
        self._episodes = {}
        for alert in self.past:
            self._episodes.setdefault(alert.fingerprint, []).append(alert)
        self._modules = {
            module["name"]: module_path(module["name"]) for module in self.status["modules"]
        }
        peers = sorted(self.status["peers"], key=lambda peer: peer["state"] != "ok")
        self._url = peers[0]["url"] if peers else ""

    def row(self, alert: JsonObject) -> AlertRow:
        """Return the row of an alert."""
        module = module_of(alert)
        return AlertRow(
            key=alert["fingerprint"],
            state=alert["state"],
            colour=colour_of(alert["event_type"]),
            event_type=alert["event_type"],
            kind=kind_of(alert),
            alertname=alert["alertname"],
            instance=alert["instance"],
            message=alert["message"],
            module=module,
            module_path=self._modules.get(module, ""),
            since=self.moments.read(alert["starts_at"]),
            lasting=self._lasting(alert),
            times=self._times(alert),
            peers=tuple(
                Delivery(short_url(url), state == "delivered")
                for url, state in alert["peers"].items()
            ),
            held=self._held(alert),
            detailed=alert["detailed"],
            runbook=alert["runbook"],
            runbook_link=web_link(alert["runbook"]),
            told=tuple(in_words(alert, self._worded)),
            actions=self._actions(alert),
        )

    def _worded(self, time: str) -> str:
        return self.moments.at(datetime.fromisoformat(time).timestamp()).text

    def _held(self, alert: JsonObject) -> str:
        if alert["state"] != "held":
            return ""
        until = self.moments.read(alert["held_until"])
        return f"held by {alert['held']}" + (f" until {until.text}" if until else "")

    def _lasting(self, alert: JsonObject) -> str:
        if alert["starts_at"] is None:
            return ""
        end = self.now
        if alert["state"] == "resolved":
            end = datetime.fromisoformat(alert["ends_at"]).timestamp()
        return minutes(end - datetime.fromisoformat(alert["starts_at"]).timestamp())

    def _times(self, alert: JsonObject) -> str:
        episodes = self._episodes.get(alert["fingerprint"])
        if not episodes:
            return ""
        count = 1 + sum(each.folded for each in episodes)
        first = min(each.starts_at for each in episodes)
        return f"{count:,} times since {self.moments.at(first).text}"

    def _actions(self, alert: JsonObject) -> Actions | None:
        known = self.known.get(alert["fingerprint"])
        if known is None or not self._url or alert["state"] not in _ACTIVE:
            return None
        if self._acted >= MAX_ACTIONS:
            return None
        self._acted += 1
        return actions(self._url, known.payload.labels, self.program)


def short_url(url: str) -> str:
    """Return a peer's address, and its path if it has one."""
    parts = urlsplit(url)
    return parts.netloc + parts.path if parts.netloc else url
