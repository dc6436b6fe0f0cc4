"""The Alertmanagers behind the peers of the simulated world: one cluster, in true time.

A peer whose clock is wrong judges times by that clock. Here they are translated when it takes an
alert. What a step of its clock does to alerts that it holds already is not simulated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import trio
from attrs import define, evolve, field

from tests.simulation.alertmanager.cluster import Cluster
from tests.simulation.alertmanager.settings import Settings
from tests.simulation.chronicle import Chronicle
from tests.simulation.events import Notified
from tests.simulation.virtual_time import TrueTime

GROUP_WAIT = 10.0
REPEAT_INTERVAL = 4 * 3600.0
"""Seconds, as in the configuration that is shipped. Each alert is a group of its own."""

SETTINGS = Settings(
    group_by=("...",),
    group_wait=GROUP_WAIT,
    repeat_interval=REPEAT_INTERVAL,
)


@define(eq=False)
class Alertmanagers:
    """Takes what the peers take, and tells what is notified."""

    true: TrueTime
    chronicle: Chronicle
    urls: Sequence[str]
    group_interval: float
    cluster: Cluster = field(init=False)
    _wake: trio.Event = field(factory=trio.Event)

    def __attrs_post_init__(self) -> None:
        settings = evolve(SETTINGS, group_interval=self.group_interval)
        self.cluster = Cluster(settings, len(self.urls), self.true.now())

    def take(self, url: str, alerts: Sequence[Mapping[str, Any]], error: float) -> None:
        """Take alerts at one peer, whose clock is ahead by `error` seconds."""
        peer, now = self.urls.index(url), self.true.now()
        if not self.is_up(url):
            return
        if error:
            alerts = [_translated(alert, error) for alert in alerts]
        self.cluster.post(peer, alerts, now)
        self._wake.set()

    def is_up(self, url: str) -> bool:
        """Return whether this one runs."""
        return self.cluster.members[self.urls.index(url)].alertmanager.is_up

    def end(self, url: str, *, killed: bool) -> None:
        """End one, by SIGKILL or SIGTERM."""
        act = self.cluster.kill if killed else self.cluster.stop
        act(self.urls.index(url), self.true.now())
        self._wake.set()

    def start(self, url: str) -> None:
        """Start one again."""
        self.cluster.start(self.urls.index(url), self.true.now())
        self._wake.set()

    async def notify(self) -> None:
        """Tell each notification when it is sent."""
        while True:
            now = self.true.now()
            for sent in self.cluster.advance(now):
                url = self.urls[int(sent.sender.removeprefix("peer-"))]
                self.chronicle.tell(Notified(url, sent.at, sent))
            due = self.cluster.next_event()
            self._wake = trio.Event()
            with trio.move_on_after(math.inf if due is None else max(0.0, due - now)):
                await self._wake.wait()


def _translated(alert: Mapping[str, Any], error: float) -> Mapping[str, Any]:
    times = {
        key: (datetime.fromisoformat(alert[key]) - timedelta(seconds=error))
        .astimezone(UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
        for key in ("startsAt", "endsAt")
    }
    return {**alert, **times}
