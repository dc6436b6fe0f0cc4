"""When an alert is due at a peer, and with which times: see docs/reference/alerts.md. Pure.

All times are Unix seconds by our clock; the sender shifts them for a peer whose clock differs.
"""

from __future__ import annotations

from collections.abc import Iterable

from supervisor.alerts.alert import Alert, Cursor, State
from supervisor.config.service import Service

RESOLVED_FOR = 900.0
"""Seconds for which a resolved alert is sent again."""

LIFETIMES = 4
"""Resend intervals for which a firing alert stays active at a peer after it was last sent."""

_UNKNOWN = Cursor()
"""The cursor of a peer that has taken nothing."""


def due_at(alert: Alert, cursor: Cursor | None, seen: bool, service: Service) -> float | None:
    """Return when the peer is to be sent the alert next; None when there is nothing to send.

    `seen` tells whether some peer took the report in time; 0.0 means at once.
    """
    cursor = cursor or _UNKNOWN
    if cursor.rejected == alert.version:
        return None
    again = cursor.sent_at + service.resend_interval if cursor.version == alert.version else 0.0
    match alert.state:
        case State.RESOLVED:
            return again if again <= ends_at(alert) + RESOLVED_FOR else None
        case State.REPORT:
            # A report that no peer took in time gets a new payload first.
            last = ends_at(alert) if seen else visible_until(alert, service)
            return again if again < last else None
        case _:
            return again


def is_past(report: Alert, seen: bool, now: float, service: Service) -> bool:
    """Return whether it is too late to send a report as it is: it is near or past its end."""
    return now >= (ends_at(report) if seen else visible_until(report, service))


def ends_at(alert: Alert) -> float:
    """Return the frozen end of an alert that has one."""
    return alert.ends_at if alert.ends_at is not None else alert.starts_at


def visible_until(report: Alert, service: Service) -> float:
    """Return the last moment at which a report that a peer takes is certain to be notified."""
    return ends_at(report) - service.alertmanager.min_visible


def sent_end(alert: Alert, now: float, service: Service) -> float:
    """Return the `endsAt` to send now, never before `startsAt`."""
    if alert.state in (State.FIRING, State.OVER):
        return max(now + LIFETIMES * service.resend_interval, alert.starts_at)
    return max(ends_at(alert), alert.starts_at)


def holds(alert: Alert, cursor: Cursor | None) -> float | None:
    """Return since when a peer has held this episode (or this report), None if it never took it."""
    if cursor is None or cursor.episode != alert.episode:
        return None
    return cursor.held_since


def was_seen(alert: Alert, cursors: Iterable[Cursor | None], service: Service) -> bool:
    """Return whether a peer took this episode; of a report, early enough to be notified."""
    latest = visible_until(alert, service) if alert.state is State.REPORT else float("inf")
    return any(since is not None and since <= latest for since in _held(alert, cursors))


def was_told(alert: Alert, cursors: Iterable[Cursor | None], now: float, service: Service) -> bool:
    """Return whether the end of a firing alert may be told at once, since a peer took it.

    One that stands for earlier episodes is shown as firing for `min_visible` first: no peer knew
    of those.
    """
    if alert.folded == 1:
        return was_seen(alert, cursors, service)
    return any(
        (shown := _shown_at(alert, cursor, service)) is not None and shown <= now
        for cursor in cursors
    )


def all_reject(alert: Alert, cursors: Iterable[Cursor | None]) -> bool:
    """Return whether every peer refuses the present version."""
    return all(cursor is not None and cursor.rejected == alert.version for cursor in cursors)


def housekeeping_at(
    alert: Alert, cursors: Iterable[Cursor | None], service: Service
) -> float | None:
    """Return when housekeeping must look at the alert, None if never.

    - An `OVER` alert resolves when all peers that hold it have done so for `min_visible`, or
      the first for twice as long.
    - A resolved alert is forgotten when no peer can still believe it to be firing.
    - A report gets new times when no peer took it in time. It is forgotten at its end.
    - What every peer refuses is given up.
    """
    if alert.state is State.FIRING:
        return None
    cursors = tuple(cursors)
    match alert.state:
        case State.OVER:
            shown = [_shown_at(alert, cursor, service) for cursor in cursors]
            first = min((at for at in shown if at is not None), default=None)
            if first is not None:
                last = max(since for since in _held(alert, cursors) if since is not None)
                return min(last, first) + service.alertmanager.min_visible
            return ends_at(alert) + RESOLVED_FOR if all_reject(alert, cursors) else None
        case State.RESOLVED:
            believed = [
                cursor.ends_at for cursor in cursors if cursor and cursor.version != alert.version
            ]
            # A peer whose answer was lost may hold what it was sent just before the end.
            longest = max(RESOLVED_FOR, LIFETIMES * service.resend_interval)
            return max(ends_at(alert) + longest, *believed, 0.0)
        case State.REPORT:
            settled = was_seen(alert, cursors, service) or all_reject(alert, cursors)
            return ends_at(alert) if settled else visible_until(alert, service)


def _held(alert: Alert, cursors: Iterable[Cursor | None]) -> Iterable[float | None]:
    return (holds(alert, cursor) for cursor in cursors)


def _shown_at(alert: Alert, cursor: Cursor | None, service: Service) -> float | None:
    """Return when a peer will have held the alert for `min_visible`, None if it will not.

    Unless it is sent the alert again, a peer lets go of it at the end that it was sent last.
    """
    since = holds(alert, cursor)
    if cursor is None or since is None:
        return None
    shown = since + service.alertmanager.min_visible
    return shown if shown <= cursor.ends_at else None
