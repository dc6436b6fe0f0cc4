"""What one channel of the last resort was given, as the supervisor can know it."""

from __future__ import annotations

import math

from attrs import define, field

from tests.simulation.promises.outage import COMMIT


@define(eq=False)
class ToldByAChannel:
    """The messages of one channel. Times are those of `Weather`."""

    well_at: float = 0.0
    """When the last trouble of the channel is over."""

    digest: str = ""
    """The identity of the last digest that was tried."""

    digest_at: float | None = None
    """When it was tried first."""

    has_answered: bool = False
    """Whether a peer has taken something since then."""

    counts_at: float = -math.inf
    """When a digest was tried last that may have been taken."""

    may_know: bool | None = False
    """Whether a digest may have been taken, and no end after it surely was. None: not known."""

    owes_end_at: float | None = None
    """When a peer has taken something after such a digest."""

    waits_since: float = 0.0
    """When something last kept an end from being told."""

    refused_at: float = -math.inf
    """When a message was refused for good last."""

    _trying: str = ""
    """The identity of what is sent now."""

    _began_at: float = 0.0
    """When that has begun."""

    _taken: str = ""
    """The identity of the last digest that was taken."""

    _taken_at: float = 0.0
    """When its last try began."""

    _sent: dict[str, float] = field(factory=dict)
    """When it was said of a message that it was taken, by its identity."""

    def forget(self, now: float) -> None:
        """Exempt: the supervisor may know less, or think that something was told just now."""
        self.digest, self.digest_at, self._taken, self._sent = "", None, "", {}
        self.counts_at = self.refused_at = now
        self.may_know, self.owes_end_at = None, None

    def repeats(self, identity: str) -> str:
        """Return what is wrong if a message was sent, and is sent again."""
        return f"{identity} is sent again, and was taken" if identity in self._sent else ""

    def begin(self, identity: str, now: float) -> None:
        """Note a try."""
        self._trying, self._began_at = identity, now
        if identity.startswith("digest."):
            self.owes_end_at = None
            if identity != self.digest:
                self.digest, self.digest_at, self.has_answered = identity, now, False

    def take(self, identity: str, *, is_certain: bool) -> float | None:
        """Note that a digest was taken. Return after how long, if the last one was another."""
        before = self._began_at - self._taken_at if self._taken not in ("", identity) else None
        self._taken, self._taken_at = identity if is_certain else "", self._began_at
        self._may_have_told()
        return before

    def end(self, identity: str, fate: str, now: float) -> None:
        """Note what the supervisor is told of a try."""
        self._trying = ""
        is_digest = identity.startswith("digest.")
        if fate == "refused":
            self.refused_at = self._began_at
        if fate == "sent":
            self._sent[identity] = now
            if not is_digest:
                self.may_know, self.owes_end_at = False, None
        if is_digest and fate in ("sent", "unknown"):
            self._may_have_told()

    def end_life(self, now: float) -> None:
        """Note that the process has ended. What it knew in the last seconds may be forgotten."""
        if self._trying.startswith("digest."):
            self._may_have_told()
        self._trying = ""
        self._sent = {name: at for name, at in self._sent.items() if at < now - COMMIT}
        if self.owes_end_at is not None and self.owes_end_at > now - COMMIT:
            self.owes_end_at = None

    def peer_answers(self, now: float) -> None:
        """Note that a peer has taken something."""
        self.has_answered = True
        if self.may_know and self.owes_end_at is None:
            self.owes_end_at = now

    def next_try(self, every: float) -> float:
        """Return when a message can be sent at the latest, but for a back-off."""
        return max(self.well_at, self.refused_at + every)

    def next_digest(self, every: float) -> float:
        """Return the same for a digest."""
        return max(self.next_try(every), self.counts_at + every)

    def _may_have_told(self) -> None:
        self.counts_at, self.may_know = self._began_at, True
