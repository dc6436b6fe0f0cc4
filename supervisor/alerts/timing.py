"""When an alert is due at a peer, and with which times. Pure; see docs/reference/alerts.md.

All times are Unix seconds by our clock. The sender shifts them for a peer whose clock differs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from supervisor.alerts.alert import NO_CURSOR, Alert, Cursor, State
from supervisor.config.service import Service

RESOLVED_FOR = 900.0
"""Seconds after its end for which a resolved alert is sent again."""

LIFETIMES = 4
"""Resend intervals for which a firing alert stays active at a peer after it was last sent."""


def due_at(alert: Alert, cursor: Cursor | None, taken: bool, service: Service) -> float | None:
    """Return when the peer must be sent the alert next, or None when there is nothing to send.

    `taken` says whether some peer took the report in time. The result 0.0 means at once.
    """
    cursor = cursor or NO_CURSOR
    if cursor.rejected == alert.version:
        return None
    again = cursor.sent_at + service.resend_interval if cursor.version == alert.version else 0.0
    match alert.state:
        case State.RESOLVED:
            return again if again <= ends_at(alert) + RESOLVED_FOR else None
        case State.REPORT:
            # A report that no peer took in time gets a new payload first.
            last = ends_at(alert) if taken else visible_until(alert, service)
            return again if again < last else None
        case State.HELD:
            return None
        case _:
            return again


def is_too_late(report: Alert, taken: bool, now: float, service: Service) -> bool:
    """Return whether it is too late to send a report with the end that it has."""
    return now >= (ends_at(report) if taken else visible_until(report, service))


def ends_at(alert: Alert) -> float:
    """Return the end of an alert that does not fire."""
    return alert.ends_at if alert.ends_at is not None else alert.starts_at


def visible_until(report: Alert, service: Service) -> float:
    """Return until when a peer must take a report, so that it is certain to be notified."""
    return ends_at(report) - service.alertmanager.shown_after


def sent_end(alert: Alert, now: float, service: Service) -> float:
    """Return the `endsAt` to send now. It is never before `startsAt`."""
    if alert.is_sent_as_firing:
        return max(now + LIFETIMES * service.resend_interval, alert.starts_at)
    return max(ends_at(alert), alert.starts_at)


def held_since(alert: Alert, cursor: Cursor | None) -> float | None:
    """Return since when a peer has held this episode or report, or None if it never took it."""
    if cursor is None or cursor.episode != alert.episode:
        return None
    return cursor.held_since


def was_taken(alert: Alert, cursors: Iterable[Cursor | None], service: Service) -> bool:
    """Return whether a peer took this episode, or took this report early enough."""
    latest = visible_until(alert, service) if alert.state is State.REPORT else float("inf")
    return any(since is not None and since <= latest for since in _held(alert, cursors))


def was_told(alert: Alert, cursors: Iterable[Cursor | None], now: float, service: Service) -> bool:
    """Return whether the end of a firing alert may be told at once, since a peer took it.

    No peer knew of the earlier episodes of a folded alert. So it must first be shown as firing for
    `min_visible`.
    """
    if alert.folded == 1:
        return was_taken(alert, cursors, service)
    return was_shown(alert, cursors, now, service)


def was_shown(alert: Alert, cursors: Iterable[Cursor | None], now: float, service: Service) -> bool:
    """Return whether a peer has held a firing alert for `min_visible`."""
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
    """Return when housekeeping must look at the alert, or None if never.

    - An `OVER` alert is resolved when all peers that hold it have held it for `min_visible`, or
      the first of them for twice as long.
    - A resolved alert is forgotten when no peer can still believe that it fires.
    - A report gets a new end when no peer took it in time. It is forgotten at its end. After the
      clock was set back, it is resolved when it was held for its whole life.
    - An alert that every peer refuses is given up.
    - What is held is told when its window is over.
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
                return min(last, first) + service.alertmanager.shown_after
            return ends_at(alert) + RESOLVED_FOR if all_reject(alert, cursors) else None
        case State.RESOLVED:
            believed = [
                cursor.ends_at for cursor in cursors if cursor and cursor.version != alert.version
            ]
            # A peer whose answer was lost may hold what it was sent just before the end.
            longest = max(RESOLVED_FOR, LIFETIMES * service.resend_interval)
            return max(ends_at(alert) + longest, *believed, 0.0)
        case State.REPORT:
            if not was_taken(alert, cursors, service) and not all_reject(alert, cursors):
                return visible_until(alert, service)
            # Only after the clock was set back is this before the end.
            held = [since for since in _held(alert, cursors) if since is not None]
            longest = max(held, default=math.inf) + service.report_lifetime
            return min(ends_at(alert), longest)
        case State.HELD:
            return alert.ends_at or 0.0


def _held(alert: Alert, cursors: Iterable[Cursor | None]) -> Iterable[float | None]:
    return (held_since(alert, cursor) for cursor in cursors)


def _shown_at(alert: Alert, cursor: Cursor | None, service: Service) -> float | None:
    """Return when a peer will have held the alert for `min_visible`, or None if it will not.

    A peer drops an alert at the end that it was sent last.
    """
    since = held_since(alert, cursor)
    if cursor is None or since is None:
        return None
    shown = since + service.alertmanager.shown_after
    return shown if shown <= cursor.ends_at else None
