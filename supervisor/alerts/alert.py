"""One alert, and what the ledger keeps beside it. Frozen values."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from attrs import field, frozen

from supervisor.observations import Json, _no_labels


class State(enum.StrEnum):
    """What an alert is now.

    `OVER` is an episode that ended before any peer took it: it is still sent as firing,
    until a peer has held it for `min_visible`.
    """

    FIRING = "firing"
    OVER = "over"
    RESOLVED = "resolved"
    REPORT = "report"


@frozen
class Alert:
    """One row of the ledger: the present state of one fingerprint. Times are Unix seconds.

    `body` is the encoded JSON object without times and closing brace; `version` grows with
    each change that peers must learn of, `episode` with each new firing.
    `frozen_labels` are the labels that the check gave when it fired.
    """

    fingerprint: str
    module: str
    alertname: str
    event_type: str
    instance: str
    state: State
    starts_at: float
    ends_at: float | None
    body: bytes
    frozen_labels: Mapping[str, str] = field(factory=_no_labels)
    version: int = 1
    episode: int = 1
    folded: int = 1


@frozen
class Sighting:
    """Hysteresis of one condition: consecutive runs that saw it, or no longer do."""

    seen: int
    missed: int
    fingerprint: str = ""


@frozen
class Cursor:
    """What one peer has accepted of one alert. Times are Unix seconds by our clock.

    `held_since` is when the peer first took `episode` as firing (or took the report);
    `shift` are the seconds by which times were moved for it; `rejected` is the version
    that it refuses.
    """

    version: int = 0
    episode: int = 0
    sent_at: float = 0.0
    ends_at: float = 0.0
    held_since: float | None = None
    shift: float | None = None
    rejected: int = 0


@frozen
class ModuleRecord:
    """What the ledger keeps of a module: its last `at` time (Unix seconds), its check's state."""

    last_scheduled: float = 0.0
    state: Mapping[str, Json] = field(factory=dict)


@frozen
class SelfAlert:
    """A condition of the supervisor's own; without a message it is over."""

    alertname: str
    instance: str
    message: str | None
    event_type: str = "TE"


SUPERVISOR = "supervisor"
"""The module name under which the supervisor's own conditions are kept."""

CONSOLE = "console"
"""The peer that stands for the printed line when no Alertmanager is configured."""
