"""One alert that a peer was sent, as the judges read it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from attrs import frozen

from tests.simulation.check import CONDITION
from tests.simulation.events import Posted
from tests.simulation.promises.module_truth import Name
from tests.simulation.promises.weather import Weather

FAILED = "Failed to execute module "
"""How the name of the alert begins that tells of failed runs."""

NOISE = 40.0
"""Seconds by which the times that a peer is sent may differ from its own time."""

LIFETIMES = 4
"""Resend intervals for which a peer shows what fires."""


@frozen
class Post:
    """What an alert says."""

    key: str
    """Its labels."""

    name: Name | None
    """Which condition of a module it is. None for reports, floods and alerts of the supervisor."""

    token: str
    """Which report it is. Empty for conditions."""

    starts: float
    ends: float

    begins: str
    """Its start in words. No shift for a peer's clock moves it."""

    content: str
    """What must be told at once when it changes."""

    fires: bool | None
    """Whether it says that something is so, by the peer's clock. None if that cannot be told."""

    @classmethod
    def of(cls, event: Posted, weather: Weather) -> Self:
        """Read an alert."""
        alert = event.alert
        labels, notes = alert["labels"], alert["annotations"]
        ends = _seconds(alert["endsAt"])
        now = weather.now_at(event.peer, event.at)
        fires: bool | None = None
        if weather.are_clocks_right(event.peer):
            if ends > now + 2 * weather.scenario.settings.resend_interval:
                fires = True
            elif ends <= now + NOISE:
                fires = False
        return cls(
            key=" ".join(f"{name}={labels[name]}" for name in sorted(labels)),
            name=_name(labels),
            token=notes["message"] if "event_id" in labels else "",
            starts=_seconds(alert["startsAt"]),
            ends=ends,
            begins=notes.get("event_time", ""),
            content=f"{alert['startsAt']} {'' if fires else alert['endsAt']} {notes}",
            fires=fires,
        )


def _name(labels: dict[str, Any]) -> Name | None:
    if "event_id" in labels:
        return None
    if labels["alertname"] == CONDITION:
        return Name(labels["check"], labels.get("instance", ""), labels["event_type"])
    if labels["alertname"].startswith(FAILED):
        return Name(labels["check"], "", labels["event_type"])
    return None


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
