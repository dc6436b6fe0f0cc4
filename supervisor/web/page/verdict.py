"""How it is in one line, and what else there is to be said of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from attrs import frozen

from supervisor.alerts.alert import SUPERVISOR
from supervisor.alerts.self_alerts import HEARTBEAT
from supervisor.web.page.durations import span
from supervisor.web.page.view import FAILING

Status: TypeAlias = Mapping[str, Any]

SLOW = 30.0
"""Seconds: what has been owed to a peer for longer is worth a word; so is a first run that is
due within this."""

GRAVITY = {"W": "amber", "I": "blue", "S": "blue", "": "grey"}
"""The colours of event types; all others are red."""


@frozen
class Verdict:
    """How it is in one line; `colour` names its class, `notes` say what else there is."""

    text: str
    colour: str
    notes: tuple[str, ...] = ()


def verdict(status: Status) -> Verdict:
    """Return how it is."""
    firing = [
        alert
        for alert in status["alerts"]
        if alert["state"] == "firing" and not _is_heartbeat(alert)
    ]
    notes = tuple(_notes(status))
    if firing:
        colours = {GRAVITY.get(alert["event_type"], "red") for alert in firing}
        colour = next((each for each in ("red", "amber") if each in colours), "blue")
        plural = "" if len(firing) == 1 else "s"
        return Verdict(f"{len(firing):,} alert{plural} firing", colour, notes)
    enabled = [module for module in status["modules"] if module["state"] != "disabled"]
    due = [module for module in enabled if module["next_run"] is not None]
    waiting = [module for module in due if not module["runs"] and _is_soon(module, status)]
    if waiting and not notes:
        have_run = f"{len(enabled) - len(waiting)} of {len(enabled)} modules have run"
        return Verdict("Starting", "blue", (have_run,))
    if notes:
        return Verdict(notes[0], "amber", (*notes[1:], "nothing is firing"))
    return Verdict("All well", "green")


def _notes(status: Status) -> Iterator[str]:
    """Yield what is not as it should be beside the alerts that fire."""
    failing = sum(map(_is_failing, status["modules"]))
    if failing:
        yield f"{failing} of {len(status['modules'])} modules failing"
    down = sum(peer["state"] != "ok" for peer in status["peers"])
    if down:
        yield f"{down} of {len(status['peers'])} Alertmanagers not reached"
    owed = max((peer["oldest_pending_seconds"] for peer in status["peers"]), default=0.0)
    if owed > SLOW:
        most = max(peer["pending"] for peer in status["peers"])
        yield f"{most:,} not delivered for {span(owed)}"
    for key, word in (("quarantined", "refused by an Alertmanager"), ("dropped", "dropped")):
        if count := status["ledger"][key]:
            yield f"{count:,} {word}"


def _is_failing(module: Status) -> bool:
    return module["last_result"] in FAILING


def _is_soon(module: Status, status: Status) -> bool:
    due, now = (datetime.fromisoformat(text) for text in (module["next_run"], status["now"]))
    return (due - now).total_seconds() < SLOW


def _is_heartbeat(alert: Status) -> bool:
    """Return whether it is the alert that fires as long as all is well."""
    return (alert["check"], alert["alertname"]) == (SUPERVISOR, HEARTBEAT.alertname)
