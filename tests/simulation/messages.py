"""What happens to the messages of a simulated last resort."""

from __future__ import annotations

from attrs import frozen

from tests.simulation.scenario import LastResort


@frozen
class FallbackRead:
    """The service file that was just read has this `[fallback]`. Told where a host has one."""

    life: int
    at: float
    fallback: LastResort | None


@frozen
class MessageBegan:
    """The supervisor gives a message to a channel."""

    channel: str
    life: int
    at: float
    identity: str
    """The same for each try of one message. It begins with `digest` or `end`."""
    alerts: tuple[str, ...]
    """The alerts that it names: event type, name and instance of each."""


@frozen
class MessageTaken:
    """A channel has taken a message. The supervisor does not know that yet."""

    channel: str
    life: int
    at: float
    identity: str


@frozen
class MessageEnded:
    """The supervisor is told what became of a message."""

    channel: str
    life: int
    at: float
    identity: str
    fate: str
    """As in `Fate`."""
