"""A peer of the power-cut runs: it writes down what it accepts, and when."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from attrs import define, field, frozen

from tests.support.fake_peer import Behaviour, FakePeer, Request, answer


@frozen
class Taken:
    """One alert that a peer has accepted."""

    at: int
    """When, in nanoseconds of Unix time: before the answer was sent."""

    ends: str
    """Its `endsAt`."""


@define
class WitnessPeer:
    """A peer that writes down what it accepts."""

    is_flaky: bool = False
    """Whether it refuses every second batch."""

    taken: dict[str, list[Taken]] = field(factory=dict)
    """By `identity` of the labels."""

    server: FakePeer = field(factory=FakePeer)
    """Listens and answers."""

    _posts: int = 0
    """Batches that were posted."""

    def __attrs_post_init__(self) -> None:
        self.server.choose = self._meet

    def _meet(self, request: Request) -> Behaviour:
        self.server.requests.clear()
        if request.method != "POST":
            return answer()
        self._posts += 1
        if self.is_flaky and self._posts % 2:
            return answer(503)
        now = time.time_ns()
        for alert in request.alerts:
            found = self.taken.setdefault(identity(alert["labels"]), [])
            found.append(Taken(now, alert["endsAt"]))
        return answer()


def identity(labels: Mapping[str, str]) -> str:
    """Return labels as one string."""
    return json.dumps(labels, sort_keys=True)
