"""What is known of one Alertmanager. Its sender writes it, and status and metrics show it."""

from __future__ import annotations

import math
from collections import Counter
from typing import Literal

from attrs import define, field

from supervisor.stats.histogram import Histogram

STATUS_PATH = "/api/v2/status"
"""Where it gives its version and its time."""


@define
class PeerStatus:
    """The state of one Alertmanager."""

    url: str
    """Its address, as in the service file."""

    state: Literal["ok", "retrying", "misconfigured"] = "ok"
    """What the last answer says, see docs/reference/delivery.md."""

    version: str = ""
    """Alertmanager's version. Empty before it is known."""

    last_success: float | None = None
    """When it last took a batch, in Unix seconds. None before the first."""

    error: str = ""
    """Why the last request failed. Empty after a success."""

    skew: float = 0.0
    """Seconds by which its clock was ahead of ours at the last answer."""

    shift: float = 0.0
    """Seconds by which the times that are sent to it are shifted."""

    sent: int = 0
    """How many alerts it took."""

    errors: Counter[str] = field(factory=Counter)
    """How many requests failed, by reason."""

    seconds: Histogram = field(factory=Histogram)
    """How long the posts took."""

    alive_at: float = 0.0
    """trio's time at which its sender last began a round of its loop."""

    failed_at: float = -math.inf
    """trio's time of the last post that failed."""

    failures: int = 0
    """Failures in a row since the last success."""

    has_new_silences: bool = False
    """Whether silences that end with their alerts were made there since its sender last looked."""
