"""One log line for each alert that fires or ends. Called by the recorder."""

from __future__ import annotations

import logging
from logging import getLogger

from supervisor.alerts.alert import Alert, State
from supervisor.observations import Run

_alerts = getLogger("supervisor.alerts")
_modules = getLogger("supervisor.modules")

_LEVELS = {"I": logging.INFO, "S": logging.INFO, "W": logging.WARNING}
"""The log level of each event type. Others are errors."""

_VERBS = {State.FIRING: "FIRING", State.REPORT: "REPORT"}
"""The first word of a line, by the new state. All other lines say RESOLVED."""


def log_change(old: Alert | None, new: Alert | None) -> None:
    """Write one line if the alert fired, ended or is a new report. Other changes write none."""
    if new is None:
        return
    was_firing = old is not None and old.state is State.FIRING
    if new.state in (State.FIRING, State.REPORT):
        if old is None or (new.state is State.FIRING and not was_firing):
            _log_alert(_VERBS[new.state], new, _LEVELS.get(new.event_type, logging.ERROR))
    elif old is None or was_firing:
        _log_alert("RESOLVED", new, logging.INFO)


def log_run(run: Run) -> None:
    """Write one debug line about a finished run."""
    _modules.debug("%s: %s in %.3f s", run.module, run.result, run.seconds)


def _log_alert(verb: str, alert: Alert, level: int) -> None:
    notes = alert.payload.annotations
    message = notes.get("message", "").replace("\n", " | ")
    instance = f" {alert.instance}" if alert.instance else ""
    _alerts.log(
        level,
        "%-8s %-2s %s%s: %s",
        verb,
        alert.event_type,
        alert.alertname,
        instance,
        message,
        extra={
            "verb": verb,
            "fields": {
                "event": verb.lower(),
                "alertname": alert.alertname,
                "event_type": alert.event_type,
                "instance": alert.instance,
                "module": alert.module,
            },
        },
    )
