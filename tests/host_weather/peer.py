"""The two peers of these runs: fake Alertmanagers that keep what they are sent of each alert."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from email.utils import formatdate
from itertools import cycle
from typing import Any

import trio
from attrs import define, field, frozen

from tests.support.fake_peer import Behaviour, FakePeer, Request, answer, closing

NAME = "peer.example.invalid"
"""The host name of the second peer. `shim.c` resolves it."""

RESOLVED_WITHIN = 1.0
"""Seconds after its `endsAt` in which an alert is first sent as resolved.

One that fires ends later than it is sent.
"""


@frozen
class Told:
    """What a peer was told of an alert last."""

    at: float
    """Unix seconds at which that came."""

    ends_at: float
    """When the alert ends."""

    @property
    def is_resolved(self) -> bool:
        return self.ends_at <= self.at + RESOLVED_WITHIN


@define(eq=False)
class Peer:
    """Takes everything, and says what time it is as `date` wants."""

    name: str = "127.0.0.1"
    """The host in its URL."""

    keeps_connections: bool = True
    """Whether it leaves connections open. If not, each request needs the name again."""

    date: Callable[[], str | None] = field(factory=lambda: true_date)
    """Returns the header `Date` of an answer."""

    told: dict[str, Told] = field(factory=dict)
    """What it was told last of each scripted condition."""

    arrived: dict[str, float] = field(factory=dict)
    """trio's time at which each of them first came."""

    names: set[str] = field(factory=set)
    """All alertnames that came."""

    _server: FakePeer = field(factory=FakePeer)

    @property
    def url(self) -> str:
        return f"http://{self.name}:{self._server.port}"

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen until cancelled."""
        self._server.choose = self._meet
        async with trio.open_nursery() as nursery:
            await nursery.start(self._server.serve)
            task_status.started()

    def unresolved(self) -> list[str]:
        """Return the scripted conditions that it takes to be true."""
        return sorted(name for name, told in self.told.items() if not told.is_resolved)

    def _meet(self, request: Request) -> Behaviour:
        self._server.requests.clear()
        if request.method == "POST":
            for alert in request.alerts:
                self._note(alert)
        date = self.date()
        behaviour = answer(headers={} if date is None else {"Date": date})
        return behaviour if self.keeps_connections else closing(behaviour)

    def _note(self, alert: dict[str, Any]) -> None:
        labels = alert["labels"]
        self.names.add(labels["alertname"])
        if labels["alertname"] == "Scripted":
            ends_at = datetime.fromisoformat(alert["endsAt"]).timestamp()
            self.told[labels["instance"]] = Told(time.time(), ends_at)
            self.arrived.setdefault(labels["instance"], trio.current_time())


def true_date() -> str:
    return date_in(0)


def date_in(seconds: float) -> str:
    """Return a `Date` that is so many seconds ahead."""
    return formatdate(time.time() + seconds, usegmt=True)


def wandering_date() -> Callable[[], str]:
    """Return a clock that is 45 s off, as if two hosts answered by turns."""
    offsets = cycle((45, -45))
    return lambda: date_in(next(offsets))
