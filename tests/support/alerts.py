"""Alerts of each state, for tests of what is done with them."""

from __future__ import annotations

from attrs import evolve

from supervisor.alerts.alert import Alert, State
from supervisor.alerts.payload import Payload

FIRED_AT = 1_000_000.0
"""When all these alerts fired, in Unix seconds."""

FIRING = Alert(
    fingerprint="f",
    module="disk",
    alertname="Disk usage",
    event_type="W",
    instance="/",
    state=State.FIRING,
    starts_at=FIRED_AT,
    ends_at=None,
    payload=Payload.of({}, {"message": "it is full"}),
)
OVER = evolve(FIRING, state=State.OVER, ends_at=FIRED_AT + 10, version=2)
RESOLVED = evolve(FIRING, state=State.RESOLVED, ends_at=FIRED_AT + 10, version=2)
REPORT = evolve(FIRING, state=State.REPORT, ends_at=FIRED_AT + 1800, instance="")
