"""What is done to both, the model and the real one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from tests.simulation.alertmanager.listing import text
from tests.simulation.alertmanager.matcher import Matcher


@frozen
class PostedAlert:
    """An alert of a post. Times count from the start of the plan; None leaves them out."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts: float | None
    ends: float | None

    def json(self, base: float) -> dict[str, Any]:
        times = {"startsAt": self.starts, "endsAt": self.ends}
        return {
            "labels": dict(self.labels),
            "annotations": dict(self.annotations),
            **{name: text(base + at) for name, at in times.items() if at is not None},
        }


@frozen
class Post:
    """A POST to /api/v2/alerts."""

    alerts: tuple[PostedAlert, ...]


@frozen
class AddSilence:
    """A silence from `starts` until `ends`, counted from the start of the plan."""

    number: int
    """Which silence of its sequence it is."""
    matchers: tuple[Matcher, ...]
    starts: float
    ends: float


@frozen
class ExpireSilence:
    """The end of a silence that was added before."""

    number: int


@frozen
class ListAlerts:
    """A GET of /api/v2/alerts, with a filter for the sequence."""


@frozen
class End:
    """SIGTERM or SIGKILL. It is a step of all sequences."""

    killed: bool


@frozen
class Begin:
    """The start after an end. It is a step of all sequences."""


What = Post | AddSilence | ExpireSilence | ListAlerts | End | Begin

ALL = ""
"""The sequence of a step that all sequences have."""


@frozen
class Step:
    """Something to do, counted from the start of the plan."""

    at: float
    seq: str
    what: What


@frozen
class Done:
    """A step that was done."""

    at: float
    """The Unix time, as near as its caller can tell."""
    unsure: float
    """How many seconds it may have been earlier or later."""
    step: Step
    answer: Any = None
    """What the real one answered: of a post status and body, of a list the alerts."""
