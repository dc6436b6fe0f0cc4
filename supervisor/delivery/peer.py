"""What is known of one Alertmanager, for its sender and for people."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from attrs import define, field

from supervisor.stats.histogram import Histogram


@define
class PeerStatus:
    """One Alertmanager. Times are Unix seconds; `shift` and `skew` seconds.

    `alive_at` is trio's time at which its sender last came round.
    """

    url: str
    state: Literal["ok", "retrying", "misconfigured"] = "ok"
    version: str = ""
    last_success: float | None = None
    error: str = ""
    skew: float = 0.0
    shift: float = 0.0
    sent: int = 0
    errors: Counter[str] = field(factory=Counter)
    seconds: Histogram = field(factory=Histogram)
    alive_at: float = 0.0
    failures: int = 0
