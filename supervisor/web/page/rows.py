"""The rows of the status page: the values that its templates show."""

from __future__ import annotations

from attrs import frozen

from supervisor.web.page.drawing import Picture
from supervisor.web.page.durations import Time
from supervisor.web.page.links import Actions


@frozen
class Delivery:
    """Whether one peer knows of an alert. The page shows those that do not."""

    peer: str
    done: bool


@frozen
class AlertRow:
    """An alert that fires, waits or is just over."""

    key: str
    state: str
    colour: str
    event_type: str
    kind: str
    """The event type in words."""
    alertname: str
    instance: str
    message: str
    module: str
    """The module that saw it, or that it is about."""
    module_path: str
    """The address of that module's page. Empty if it has none."""
    since: Time | None
    lasting: str
    times: str
    """How often it has fired in the past. Empty if it has not."""
    peers: tuple[Delivery, ...]
    held: str
    """The maintenance window that holds it, and until when. Empty: it is not held."""
    detailed: bool
    runbook: str
    """What to do, as the service file says."""
    runbook_link: str
    """The same if it is an address, else empty."""
    told: tuple[str, ...]
    """Why Alertmanagers do not mail it: by whom it is silenced, or what holds it back."""
    actions: Actions | None
    """What can be done at an Alertmanager. None: without one, or the alert is over."""

    @property
    def pending(self) -> tuple[str, ...]:
        """Where it is not known yet. What a peer refuses does not wait for it."""
        open_at = tuple(peer.peer for peer in self.peers if not peer.done)
        if not open_at or self.state == "quarantined":
            return ()
        is_all = len(open_at) == len(self.peers) > 1
        return ("all Alertmanagers",) if is_all else open_at


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
    rank: int
    """Its place among the modules. The lowest needs help first."""
    bars: Picture
    lane: Picture

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.style == "ok" or self.state == "disabled"


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
    kind: str
    """The event type in words."""
    alertname: str
    message: str
    at: Time | None
