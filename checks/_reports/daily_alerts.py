"""The alerts in the daily report: those that fire, and those that were resolved."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from attrs import frozen

from checks._common.event_types import CHANNELS
from checks._common.printable import shown
from checks._reports.period import Resolved
from checks._reports.theme import AMBER, BLUE, GREEN, GREY, RED
from checks._reports.wording import MAX_MESSAGE, MAX_NAME, moment, ordinal
from supervisor.api import AlertView

COLOURS = {"W": AMBER, **dict.fromkeys(CHANNELS, BLUE)}
"""The colours of event types. Every other type is red: an unknown one must not look harmless."""

MAX_EVENT_TYPE = 10
"""The most characters of an event type that are shown."""


@frozen
class AlertRow:
    """An alert that fires, or that fired."""

    event_type: str
    alertname: str
    instance: str
    message: str
    note: str
    colour: str


def firing_row(alert: AlertView, now: datetime) -> AlertRow:
    """Return the row of an alert that fires, or that a maintenance window holds."""
    held = "held, " if alert.state == "held" else ""
    return _row(alert, f"{held}since {moment(alert.starts_at, now)}", alert.message)


def resolved_row(resolved: Resolved, now: datetime) -> AlertRow:
    """Return the row of an alert that no longer fires."""
    alert = resolved.alert
    note = f"from {moment(alert.starts_at, now)}"
    if alert.ends_at is not None:
        note += f" to {moment(alert.ends_at, now)}"
    if resolved.times > 1:
        note += f", for the {ordinal(resolved.times)} time"
    return _row(alert, note, "")


def worst_colour(firing: Iterable[AlertView], *, known: bool = True) -> str:
    """Return the colour of the most severe alert that fires. `known`: every module has looked."""
    colours = {colour_of(alert) for alert in firing}
    return next((each for each in (RED, AMBER) if each in colours), GREEN if known else GREY)


def colour_of(alert: AlertView) -> str:
    """Return the colour that an alert is marked with."""
    return COLOURS.get(alert.event_type, RED)


def _row(alert: AlertView, note: str, message: str) -> AlertRow:
    return AlertRow(
        event_type=shown(alert.event_type, MAX_EVENT_TYPE),
        alertname=shown(alert.alertname, MAX_NAME),
        instance=shown(alert.instance, MAX_NAME),
        message=shown(message.replace("\n", " / "), MAX_MESSAGE),
        note=f"{note}, module {shown(alert.check, MAX_NAME)}",
        colour=colour_of(alert),
    )
