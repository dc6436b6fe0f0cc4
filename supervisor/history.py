"""What is kept of alerts that are over, for people who look back. Pure; called by the draft."""

from __future__ import annotations

from attrs import evolve

from supervisor.alerts import payload
from supervisor.alerts.alert import Alert, State

MOST = 200
"""So many past alerts are kept."""

LONGEST_BODY = 32 * 1024
"""Bytes of a body beyond which its detail is not kept: the history is small beside the ledger."""


def is_past(old: Alert, new: Alert | None) -> bool:
    """Return whether an alert that is being replaced belongs to the past: told, and over."""
    over = old.state in (State.RESOLVED, State.REPORT)
    return over and (new is None or (old.state is State.RESOLVED and new.episode != old.episode))


def entry(alert: Alert) -> Alert:
    """Return what is kept of it."""
    if len(alert.body) <= LONGEST_BODY:
        return alert
    return evolve(alert, body=payload.annotate(alert.body, detail=""))
