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

_VERBS = {State.FIRING: "FIRING", State.REPORT: "REPORT", State.HELD: "HELD"}
"""The first word of a line, by the new state. All other lines say RESOLVED."""


def log_change(old: Alert | None, new: Alert | None) -> None:
    """Write one line if the alert fired, ended, is held, or is a new report."""
    if new is None:
        return
    if new.state in _VERBS:
        if old is None or old.state is not new.state:
            is_held = new.state is State.HELD
            level = logging.INFO if is_held else _LEVELS.get(new.event_type, logging.ERROR)
            _log_alert(_VERBS[new.state], new, level)
    elif old is None or old.state is State.FIRING:
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
