"""What the ledger keeps of the fallback, as a cursor of a peer. Frozen values. Pure.

It is written before a message is sent, and again when its fate is known. So a restart knows what
may have been sent.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any, Literal, Self, TypeAlias

import attrs
from attrs import evolve, field, frozen

from supervisor.delivery.fallback.result import Fate

Kind: TypeAlias = Literal["digest", "end"]
"""What a message says: what waits, or that a peer answers again."""


@frozen
class Attempt:
    """A message that is not known to be sent."""

    kind: Kind
    """What it says."""

    made_at: float
    """When it was first tried, in Unix seconds. All tries of one message have the same ID.

    It is a part of that ID, so it stays when the clock is set.
    """

    tries: int = 0
    """How often it was tried."""

    tried_at: float = 0.0
    """When it was tried last, in Unix seconds."""

    unsure: bool = False
    """Whether it may have been sent all the same: nothing is known of the end of some try."""

    refused: bool = False
    """Whether the last try was refused for good."""


@frozen
class ChannelRecord:
    """What one channel has told. Times are Unix seconds."""

    sent_at: float | None = None
    """When the last digest was sent."""

    knows: bool = False
    """Whether somebody was told of the outage that goes on."""

    owes_end_of: float | None = None
    """The start of an outage that was told, and whose end was not."""

    attempt: Attempt | None = None
    """What is being sent."""

    def next_try(self, kind: Kind, now: float) -> Attempt:
        """Return the next try of the message of this kind, or the first one of a new message."""
        attempt = self.attempt
        if attempt is None or attempt.kind != kind:
            attempt = Attempt(kind, now)
        return evolve(attempt, tries=attempt.tries + 1, tried_at=now, refused=False)

    def trying(self, attempt: Attempt) -> Self:
        """Return what is kept before a try. If the process is killed then, its end is not known."""
        return evolve(self, attempt=evolve(attempt, unsure=True))

    def after(self, attempt: Attempt, fate: Fate) -> Self:
        """Return what is kept after a try. `attempt` is unsure if an earlier try was."""
        if fate is not Fate.SENT:
            unsure = attempt.unsure or fate is Fate.UNKNOWN
            kept = evolve(attempt, unsure=unsure, refused=fate is Fate.REFUSED)
            return evolve(self, attempt=kept)
        if attempt.kind == "end":
            return evolve(self, owes_end_of=None, attempt=None)
        return evolve(self, sent_at=attempt.tried_at, knows=True, owes_end_of=None, attempt=None)

    def ended(self, since: float) -> Self:
        """Return the record after the end of an outage. What may have been sent counts as sent."""
        attempt = self.attempt
        is_digest = attempt is not None and attempt.kind == "digest"
        if attempt is not None and is_digest and attempt.unsure:
            return type(self)(attempt.tried_at, owes_end_of=since)
        owes = since if self.knows else self.owes_end_of
        return evolve(
            self, knows=False, owes_end_of=owes, attempt=None if is_digest else self.attempt
        )


@frozen
class Record:
    """What is known of the present outage, and what each channel has told."""

    since: float | None = None
    """Since when each peer fails while something is owed, in Unix seconds. None: they do not."""

    channels: Mapping[str, ChannelRecord] = field(factory=dict)
    """By the name of the channel."""

    def of(self, channel: str) -> ChannelRecord:
        """Return what a channel has told."""
        return self.channels.get(channel, ChannelRecord())

    def put(self, channel: str, told: ChannelRecord) -> Self:
        """Return the record with another value for one channel."""
        return evolve(self, channels={**self.channels, channel: told})

    @property
    def is_told(self) -> bool:
        """Whether somebody may know of the present outage."""
        return any(told.knows or told.attempt is not None for told in self.channels.values())

    def ended(self, apart: Container[str] = ()) -> Self:
        """Return the record after the end of the outage. `apart` are channels that send now."""
        since = self.since
        if since is None:
            return self
        ended = {
            name: told if name in apart else told.ended(since)
            for name, told in self.channels.items()
        }
        return evolve(self, since=None, channels=ended)

    def whole(self) -> Self:
        """Return the record after a restart: what was sent when an outage ended is not known."""
        if self.since is not None:
            return self
        return evolve(
            self,
            channels={
                name: told.ended(told.attempt.made_at)
                if told.attempt is not None and told.attempt.kind == "digest"
                else told
                for name, told in self.channels.items()
            },
        )

    def moved(self, move: Callable[[float], float]) -> Self:
        """Return the record with other times: the clock was set."""
        return type(self).read(_moved(self.json(), move))

    def json(self) -> dict[str, Any]:
        """Return what the ledger keeps."""
        return attrs.asdict(self)

    @classmethod
    def read(cls, kept: object) -> Self:
        """Return the record that the ledger has kept; an empty one if there is none."""
        if not isinstance(kept, dict):
            return cls()
        return cls(
            kept.get("since"), {name: _channel(each) for name, each in kept["channels"].items()}
        )


TIMES = {"since", "sent_at", "owes_end_of", "tried_at"}
"""The values of a record that are times, and move when the clock is set."""


def _channel(kept: Mapping[str, Any]) -> ChannelRecord:
    attempt = kept["attempt"]
    return ChannelRecord(**{**kept, "attempt": Attempt(**attempt) if attempt else None})


def _moved(value: dict[str, Any], move: Callable[[float], float]) -> dict[str, Any]:
    return {
        key: _moved(each, move)
        if isinstance(each, dict)
        else (move(each) if key in TIMES and each is not None else each)
        for key, each in value.items()
    }
