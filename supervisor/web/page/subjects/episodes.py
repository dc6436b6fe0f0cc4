"""What was: the past alerts of a module, or the past of one alert."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from supervisor.alerts.alert import SUPERVISOR, Alert, State
from supervisor.alerts.self_alerts import MODULE_FAILED, TOO_MANY_CONDITIONS
from supervisor.web.page.alert_rows import colour_of, kind_of
from supervisor.web.page.durations import Moments, Time, span
from supervisor.web.page.view import View


@frozen
class EpisodeRow:
    """An alert that is over, or a report."""

    key: str
    colour: str
    event_type: str
    kind: str
    """The event type in words."""

    alertname: str
    instance: str
    message: str
    began: Time
    ended: Time | None
    """None for a report."""

    lasted: str
    folded: int
    """How many episodes it stands for."""


def is_about(alert: Alert, module: str) -> bool:
    """Return whether an alert is of this module, or one of the supervisor's own about it."""
    if alert.module != SUPERVISOR:
        return alert.module == module
    return module in (kind.subject_of(alert.key) for kind in (MODULE_FAILED, TOO_MANY_CONDITIONS))


def ended(view: View) -> list[Alert]:
    """Return all alerts that are over and all reports, the newest first."""
    present = (
        alert for alert in view.alerts.values() if alert.state in (State.RESOLVED, State.REPORT)
    )
    return sorted((*view.past, *present), key=lambda alert: -alert.starts_at)


def episodes(alerts: Iterable[Alert], moments: Moments) -> list[EpisodeRow]:
    """Return the rows of past alerts."""
    return [_row(alert, moments) for alert in alerts]


def _row(alert: Alert, moments: Moments) -> EpisodeRow:
    is_report = alert.state is State.REPORT or alert.ends_at is None
    end = None if is_report else alert.ends_at
    return EpisodeRow(
        key=alert.fingerprint,
        colour=colour_of(alert.event_type),
        event_type=alert.event_type,
        kind=kind_of(alert),
        alertname=alert.alertname,
        instance=alert.instance,
        message=alert.payload.annotations.get("message", ""),
        began=moments.at(alert.starts_at),
        ended=None if end is None else moments.at(end),
        lasted="" if end is None else span(end - alert.starts_at),
        folded=alert.folded,
    )
