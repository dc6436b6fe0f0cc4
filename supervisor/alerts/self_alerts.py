"""The supervisor's own conditions: their names, and the one that a failed run raises. Pure."""

from __future__ import annotations

from supervisor.alerts import sanitize
from supervisor.alerts.alert import SUPERVISOR
from supervisor.config.service import Module
from supervisor.observations import Condition, Run
from supervisor.text import preformatted

OWN = Module(check=SUPERVISOR, name=SUPERVISOR)
"""The module of the supervisor's own conditions."""

OVERFLOW = "LedgerOverflow"
REJECTED = "AlertRejected"
RELOAD_FAILED = "ReloadFailed"
HEARTBEAT = "Heartbeat"
QUIET = 900.0
"""Seconds without a loss after which an overflow counts as over."""


def failure_name(module: str) -> str:
    """Return the alertname under which a module's failed runs are known."""
    return f"Failed to execute module ({module})"


def surplus_name(module: str) -> str:
    """Return the alertname that says a module returned too many conditions."""
    return f"Too many conditions ({module})"


def failure(module: str, run: Run) -> Condition:
    """Return the condition that a failed run raises."""
    detail = ""
    if run.traceback:
        # Escaping may make it six times as long.
        text = sanitize.clean_text(run.traceback, sanitize.DETAIL_LIMIT // 8)
        detail = preformatted(text)
    message = sanitize.clean_text(run.error, sanitize.MESSAGE_LIMIT)
    return Condition(failure_name(module), "TE", "", message, detail)
