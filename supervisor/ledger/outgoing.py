"""One alert, made ready to be posted to one peer. Pure; used by the outbox and the senders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import evolve, frozen

from supervisor.alerts import timing
from supervisor.alerts.alert import Alert, Cursor, State
from supervisor.alerts.payload import local_time
from supervisor.config.service import Service

END_TIME = "end_time"
"""The annotation that says when a resolved alert ended, in the service's zone. Mails show it."""


@frozen(kw_only=True)
class Outgoing:
    """One alert, ready to be posted to one peer. Times are Unix seconds."""

    alert: Alert
    """The version that is sent."""

    sent_at: float
    """When the batch was made."""

    ends_at: float
    """The `endsAt` that is sent, by our clock."""

    shift: float
    """Seconds by which the times were moved for the peer's clock."""

    clock_steps: int
    """How often our clock had been set when the batch was made."""

    data: bytes
    """The whole JSON object."""


def outgoing_of(
    alert: Alert,
    cursor: Cursor | None,
    *,
    now: float,
    shift: float,
    clock_steps: int,
    service: Service,
) -> Outgoing:
    """Return an alert ready to be posted to the peer that has this cursor."""
    if alert.state is State.REPORT and cursor and cursor.version == alert.version:
        # The times of a report are fixed. So it is sent with those that the peer knows.
        shift = shift if cursor.shift is None else cursor.shift
    ends_at = timing.sent_end(alert, now, service)
    payload = alert.payload
    if alert.state is State.RESOLVED:
        payload = payload.annotate(**{END_TIME: local_time(ends_at, service.timezone)})
    return Outgoing(
        alert=alert,
        sent_at=now,
        ends_at=ends_at,
        shift=shift,
        clock_steps=clock_steps,
        data=payload.at(alert.starts_at + shift, ends_at + shift),
    )


def shifted(
    batch: Iterable[Outgoing], cursors: Mapping[str, Cursor], shift: float
) -> list[Outgoing]:
    """Return a batch with another shift, since the clock of the peer is not as it was known.

    `cursors` are the peer's. What the peer had before keeps the shift that it has there.
    """
    return [
        item
        if (cursor := cursors.get(item.alert.fingerprint)) and cursor.version == item.alert.version
        else evolve(item, shift=shift)
        for item in batch
    ]
