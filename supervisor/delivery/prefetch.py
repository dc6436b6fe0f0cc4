"""What a sender does while its peer works on a batch: advance cursors, and make the next batch.

So the peer need not wait for either. Without this, a third of the throughput is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import define, field

from supervisor.delivery.back_off import BatchSize
from supervisor.delivery.pace import Pace
from supervisor.delivery.peer import PeerStatus
from supervisor.host.clock import Clock
from supervisor.ledger.outbox import Outbox
from supervisor.ledger.outgoing import Outgoing


@define(eq=False, repr=False)
class Prefetch:
    """Makes the batches for one peer, one ahead."""

    peer: PeerStatus
    """The peer that gets the batches."""

    outbox: Outbox
    """Where the alerts come from."""

    clock: Clock
    """The host's clock."""

    size: BatchSize
    """How many alerts the next batch may hold."""

    pace: Pace
    """How many bytes it may have."""

    wake_recorder: Callable[[], None]
    """Called when there are cursors to write."""

    _next: list[Outgoing] = field(factory=list)
    """The batch made ahead."""

    _accepted: list[Outgoing] = field(factory=list)
    """What the peer took last. The cursors of these alerts are not advanced yet."""

    _accepted_at: float = 0.0
    """When the peer took them, in Unix seconds."""

    def next_batch(self, now: float) -> list[Outgoing]:
        """Return what to post now: the rest of the batch made ahead, or a new one."""
        made, self._next = self._next, []
        current = [item for item in made if self.outbox.is_current(item)]
        stale = [item for item in made if not self.outbox.is_current(item)]
        self.outbox.put_back(self.peer.url, stale, now)
        if current:
            return current
        self.advance_cursors()
        return self._take(now)

    def work_ahead(self, in_flight: Iterable[Outgoing]) -> None:
        """Advance cursors and make the next batch, while the peer works on `in_flight`."""
        self.advance_cursors()
        if self._next:
            return
        now = self.clock.now()
        busy = {item.alert.fingerprint for item in in_flight}
        for item in self._take(now):
            if item.alert.fingerprint in busy:
                self.outbox.put_back(self.peer.url, [item], now)  # its answer says when it is due
            else:
                self._next.append(item)

    def note_accepted(self, batch: list[Outgoing], now: float) -> None:
        """Note that the peer took a batch. `advance_cursors` uses it later."""
        self._accepted, self._accepted_at = batch, now

    def advance_cursors(self) -> None:
        """Advance the cursors of what the peer took last."""
        accepted, self._accepted = self._accepted, []
        is_first = bool(accepted) and not self.outbox.cursors.has_unsaved
        for item in accepted:
            self.outbox.delivered(self.peer.url, item, self._accepted_at)
        if is_first:
            self.wake_recorder()

    def put_back(self, now: float) -> None:
        """Queue the batch made ahead again."""
        made, self._next = self._next, []
        self.outbox.put_back(self.peer.url, made, now)

    def _take(self, now: float) -> list[Outgoing]:
        return self.outbox.take_due(
            self.peer.url,
            now,
            self.peer.shift,
            max_alerts=self.size.limit,
            max_bytes=self.pace.max_bytes,
        )
