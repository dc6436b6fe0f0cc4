"""What two Alertmanagers that know each other are put through."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from tests.simulation.alertmanager.cluster import Delays
from tests.simulation.alertmanager.matcher import Matcher
from tests.simulation.alertmanager.settings import Settings
from tests.simulation.comparison.step import (
    ALL,
    AddSilence,
    Begin,
    End,
    Post,
    PostedAlert,
    Step,
    What,
)

SETTINGS = Settings(
    group_by=("alertname",),
    group_wait=0.7,
    group_interval=3.1,
    repeat_interval=60.0,
    maintenance_interval=2.0,
)

GOSSIP = 0.05
"""The flag of the real ones: seconds."""

PROBE = 0.5
"""The same."""

DELAYS = Delays(peer_timeout=1.5, gossip=0.2, settle=50 * GOSSIP, detection=3.0, reconnect=1.0)
"""What follows from these flags."""

SECONDS = 22.0
"""The length of the story."""


@frozen
class PeerStep:
    """A step of one peer."""

    peer: int
    step: Step


def story() -> list[PeerStep]:
    """Return it in the order of time."""
    return sorted(_steps(), key=lambda each: each.step.at)


def _steps() -> Iterator[PeerStep]:
    # Both get a post: the first one sends.
    yield from _post(4.0, "Both", (0, 1))
    # One gets a post: it waits for the one before it.
    yield from _post(4.1, "Second", (1,))
    # A silence goes to one and mutes at the other.
    yield _silence(4.2, "Muted", 1)
    yield from _post(5.2, "Muted", (0, 1))
    # The first one dies: the other still waits for it, and then no more.
    yield PeerStep(0, Step(7.0, ALL, End(killed=True)))
    yield from _post(7.2, "Early", (1,))
    yield from _post(11.4, "Late", (1,))
    yield _silence(11.5, "Hushed", 1)
    # It comes back as the last one, waits until it knows what was sent, and is told of it.
    yield PeerStep(0, Step(12.5, ALL, Begin()))
    yield from _post(12.7, "Both", (0,))
    yield from _post(12.8, "Late", (0,))
    yield from _post(12.9, "Hushed", (0,))
    yield from _post(13.0, "Restarted", (0,))
    yield from _post(14.0, "Restarted", (1,), over=True)
    # One is told that an alert is over.
    yield from _post(16.7, "Both", (0, 1), over=True)
    # One leaves: the other does not wait.
    yield PeerStep(1, Step(18.4, ALL, End(killed=False)))
    yield from _post(18.9, "Left", (0,))


def _post(at: float, name: str, peers: tuple[int, ...], *, over: bool = False) -> list[PeerStep]:
    alert = PostedAlert({"alertname": name}, {}, 4.0 if over else at, at if over else 90.0)
    what: What = Post((alert,))
    return [PeerStep(peer, Step(at + 0.01 * peer, ALL, what)) for peer in peers]


def _silence(at: float, name: str, peer: int) -> PeerStep:
    return PeerStep(peer, Step(at, ALL, AddSilence(0, (Matcher("alertname", name),), at, 60.0)))
