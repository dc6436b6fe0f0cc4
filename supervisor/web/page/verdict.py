"""The state of the supervisor in one line, with notes. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from supervisor.alerts.alert import SUPERVISOR
from supervisor.alerts.self_alerts import HEARTBEAT
from supervisor.control.socket_client import JsonObject
from supervisor.text import counted, not_looked
from supervisor.web.page.durations import span
from supervisor.web.page.view import FAILING

LATE_DELIVERY = 30.0
"""Seconds: an alert that has waited longer for a peer is mentioned."""

COLOURS = {"W": "amber", "I": "blue", "S": "blue", "": "grey"}
"""The colours of event types. All others are red."""


@frozen
class Verdict:
    """The state of the supervisor in one line."""

    text: str
    colour: str
    """Its class in the style sheet."""

    notes: tuple[str, ...] = ()
    """What else is to be said."""


def verdict(status: JsonObject) -> Verdict:
    """Return the state in one line."""
    firing = [
        alert
        for alert in status["alerts"]
        if alert["state"] == "firing" and not _is_heartbeat(alert)
    ]
    notes = tuple(_notes(status))
    windows = tuple(f"maintenance {each['name']}" for each in _windows(status))
    enabled = [module for module in status["modules"] if module["state"] != "disabled"]
    unknown = not_looked(sum(module["awaited"] for module in enabled), len(enabled))
    if firing:
        colours = {COLOURS.get(alert["event_type"], "red") for alert in firing}
        colour = next((each for each in ("red", "amber") if each in colours), "blue")
        count = counted(len(firing), "alert", separator=",")
        others = (*notes, unknown) if unknown else notes
        return Verdict(f"{count} firing", colour, (*others, *windows))
    if notes:
        others = (*notes[1:], unknown or "nothing is firing")
        return Verdict(notes[0], "amber", (*others, *windows))
    if unknown:
        return Verdict(f"Not looked yet: {unknown}", "grey", windows)
    if held := sum(alert["state"] == "held" for alert in status["alerts"]):
        count = counted(held, "alert", separator=",")
        return Verdict(f"{count} held", "blue", windows)
    return Verdict("All well", "green", windows)


def _notes(status: JsonObject) -> Iterator[str]:
    """Yield what is wrong apart from the alerts that fire."""
    failing = sum(map(_is_failing, status["modules"]))
    if failing:
        yield f"{failing} of {len(status['modules'])} modules failing"
    down = sum(peer["state"] != "ok" for peer in status["peers"])
    if down:
        yield f"{down} of {len(status['peers'])} Alertmanagers not reached"
    if status.get("fallback", {}).get("state") == "failing":
        yield "the fallback cannot send"
    owed = max((peer["oldest_pending_seconds"] for peer in status["peers"]), default=0.0)
    if owed > LATE_DELIVERY:
        most = max(peer["pending"] for peer in status["peers"])
        yield f"{most:,} not delivered for {span(owed)}"
    for key, word in (("quarantined", "refused by an Alertmanager"), ("dropped", "dropped")):
        if count := status["ledger"][key]:
            yield f"{count:,} {word}"


def _windows(status: JsonObject) -> Iterator[JsonObject]:
    """Yield the maintenance windows that hold something now."""
    yield from (window for window in status.get("maintenance", ()) if window["holds"])


def _is_failing(module: JsonObject) -> bool:
    return module["last_result"] in FAILING


def _is_heartbeat(alert: JsonObject) -> bool:
    """Return whether it is the alert that fires as long as all is well."""
    return (alert["check"], alert["alertname"]) == (SUPERVISOR, HEARTBEAT.alertname)
