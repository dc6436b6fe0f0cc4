"""One alert, and what the ledger keeps beside it. Frozen values."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from attrs import field, frozen

from supervisor.alerts.payload import Payload
from supervisor.observations import Json

SUPERVISOR = "supervisor"
"""The module name under which the supervisor's own conditions are kept."""

EVENT_ID = "event_id"
"""The label that tells a report from all others. A condition does not have it."""

Key: TypeAlias = tuple[str, str]
"""Alertname and instance. With the module, they identify a condition."""


NO_LABELS: Mapping[str, str] = MappingProxyType({})
"""The labels of an alert whose check gives none: one value for all of them."""


class State(enum.StrEnum):
    """What an alert is now."""

    FIRING = "firing"
    """A condition that is true."""

    OVER = "over"
    """A condition that ended before any peer took it, or that tells of a past event.

    It is still sent as firing, until a peer has held it for `min_visible`.
    """

    RESOLVED = "resolved"
    """A condition that has ended."""

    REPORT = "report"
    """A message that is sent once and does not end like a condition."""

    HELD = "held"
    """A condition or a report that a maintenance window holds. It is not sent.

    The ledger keeps it as firing with an end, or as a report without one.
    """


@frozen(kw_only=True)
class Alert:
    """The present state of one fingerprint. Times are Unix seconds."""

    fingerprint: str
    """The identity of the labels."""

    module: str
    """The name of the module that saw it, or `SUPERVISOR`."""

    alertname: str
    """The label `alertname`."""

    event_type: str
    """The label `event_type`."""

    instance: str
    """The label `instance`; empty for reports."""

    state: State
    """What the alert is now."""

    starts_at: float
    """When it fired, or when the report was committed."""

    ends_at: float | None
    """When it ended, or when the report expires; None while it fires.

    While it is held: until when. None: that must be found out.
    """

    payload: Payload
    """What is posted, without the times."""

    frozen_labels: Mapping[str, str] = NO_LABELS
    """The labels that the check gave when it fired."""

    version: int = 1
    """Grows with each change that the peers must learn of."""

    episode: int = 1
    """Grows with each new firing."""

    folded: int = 1
    """How many episodes this alert stands for. The earlier ones reached no peer."""

    @property
    def key(self) -> Key:
        """What identifies the condition within its module."""
        return self.alertname, self.instance

    @property
    def is_sent_as_firing(self) -> bool:
        """Whether the peers are told that it fires. It may be over all the same."""
        return self.state in (State.FIRING, State.OVER)

    @property
    def is_report(self) -> bool:
        """Whether it is a report, also one that is held."""
        is_held = self.state is State.HELD
        return self.state is State.REPORT or (is_held and EVENT_ID in self.payload.labels)


@frozen
class Sighting:
    """How often one condition was seen lately, and was missed."""

    seen: int
    """Runs that saw it, of those that are remembered."""

    missed: int
    """Runs in a row that no longer saw it, once it fires.

    Before it fires: which of the remembered runs missed it. Each has a bit, the last run the
    lowest. It is 0 unless `fire_after` is such as "3 of 5".
    """

    fingerprint: str = ""
    """The fingerprint of its alert. Empty before it fires."""


@frozen
class Cursor:
    """What one peer took of one alert. Times are Unix seconds by our clock."""

    version: int = 0
    """The version that the peer took last."""

    episode: int = 0
    """The episode that the peer took last."""

    sent_at: float = 0.0
    """When that version was sent."""

    ends_at: float = 0.0
    """The `endsAt` that was sent with that version."""

    held_since: float | None = None
    """When the peer first took this episode as firing, or this report."""

    shift: float | None = None
    """Seconds by which a report's times were moved for the peer's clock."""

    rejected: int = 0
    """The version that the peer refuses; 0 for none."""


NO_CURSOR = Cursor()
"""The cursor of a peer that took nothing."""


@frozen
class ModuleRecord:
    """What the ledger keeps of a module."""

    last_scheduled: float = 0.0
    """The last `at` time for which the module ran, in Unix seconds."""

    state: Mapping[str, Json] = field(factory=dict)
    """What its check keeps from run to run."""


NO_RECORD = ModuleRecord()
"""The record of a module of which the ledger keeps nothing."""
