"""The rows of the status page: the values that its templates show."""

from __future__ import annotations

from attrs import frozen

from supervisor.web.page.drawing import Picture


@frozen
class Time:
    """A time of day in the service's zone, with its date unless that is today."""

    text: str
    machine: str


@frozen
class Delivery:
    """Whether one peer knows of an alert."""

    peer: str
    done: bool


@frozen
class AlertRow:
    """An alert that fires, waits or is just over."""

    key: str
    state: str
    colour: str
    event_type: str
    alertname: str
    instance: str
    message: str
    module: str
    since: Time | None
    lasting: str
    peers: tuple[Delivery, ...]
    detailed: bool


@frozen
class ModuleRow:
    """A module and its runs."""

    name: str
    check: str
    state: str
    result: str
    style: str
    took: str
    last: Time | None
    next: Time | None
    runs: int
    failures: int
    skipped: int
    measured: tuple[str, ...]
    bars: Picture
    lane: Picture


@frozen
class PeerRow:
    """An Alertmanager."""

    url: str
    short: str
    state: str
    style: str
    version: str
    pending: int
    oldest: str
    sent: int
    success: Time | None
    skew: str
    error: str


@frozen
class ReportRow:
    """A report. Its key leads to the mail."""

    key: str
    colour: str
    event_type: str
    alertname: str
    message: str
    at: Time | None
