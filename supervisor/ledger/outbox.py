"""What must be sent to each peer and when: one queue for each peer, and one for housekeeping.

This is the pattern of a transactional outbox. The recorder commits, the store adopts the changes,
and then the outbox queues them. Each sender takes from the queue of its own peer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Self

from attrs import define, field

from supervisor.alerts import timing
from supervisor.alerts.alert import Alert, Cursor, State
from supervisor.config.current import CurrentConfig
from supervisor.config.service import Service
from supervisor.ledger.changes import Changes
from supervisor.ledger.cursors import Cursors, advanced
from supervisor.ledger.due_queue import DueQueue
from supervisor.ledger.outgoing import Outgoing, outgoing_of
from supervisor.ledger.peer_queue import PeerQueue
from supervisor.ledger.store import Store


@define(eq=False, repr=False)
class Outbox:
    """Queues of fingerprints by the time at which each is due."""

    store: Store
    """The alerts."""

    cursors: Cursors
    """What the peers have accepted of them."""

    housekeeping: DueQueue = field(factory=DueQueue)
    """When each alert must be resolved, renewed or forgotten."""

    unconfirmed: set[str] = field(factory=set)
    """Fingerprints of what fired before the start. They wait for the first run of their module."""

    clock_steps: int = 0
    """How often our clock was set."""

    last_clock_step: float = 0.0
    """By how many seconds our clock was set the last time."""

    queues: defaultdict[str, PeerQueue] = field(factory=lambda: defaultdict(PeerQueue))
    """What must be sent, by peer."""

    @classmethod
    def of(cls, service: Service) -> Self:
        """Return an outbox over an empty store."""
        config = CurrentConfig(service)
        return cls(Store(config), Cursors(config))

    def restore(self, contents: Changes) -> None:
        """Set store, cursors and queues to what the ledger holds."""
        self.cursors.restore(contents.cursors)
        self.store.adopt(contents)
        self.requeue(contents.alerts)

    def requeue(self, fingerprints: Iterable[str]) -> None:
        """Queue what has changed in the store, and forget what was removed from it."""
        for fingerprint in fingerprints:
            if fingerprint not in self.store.alerts:
                self.unconfirmed.discard(fingerprint)
                self.cursors.forget_alert(fingerprint)
                for queue in self.queues.values():
                    queue.release(fingerprint)
            self._queue(fingerprint)

    def forget_other_peers(self) -> None:
        """Delete queues and cursors of peers that are no longer configured."""
        for peer in self.queues.keys() - set(self.store.config.peers):
            del self.queues[peer]
        self.cursors.forget_other_peers()

    def take_due(
        self, peer: str, now: float, shift: float, *, max_alerts: int, max_bytes: int
    ) -> list[Outgoing]:
        """Remove what is due from the peer's queue. Return it as one batch, ready to be posted."""
        queue, service = self.queues[peer], self.store.service
        cursors = self.cursors.known.get(peer, {})
        batch: list[Outgoing] = []
        size = 2  # the brackets around the batch
        for fingerprint in queue.take(now):
            alert = self.store.alerts[fingerprint]
            if alert.state is State.REPORT and self.cursors.is_too_late(alert, now):
                continue  # housekeeping renews it or forgets it
            outgoing = outgoing_of(
                alert,
                cursors.get(fingerprint),
                now=now,
                shift=shift,
                clock_steps=self.clock_steps,
                service=service,
            )
            size += len(outgoing.data) + 1
            if batch and size > max_bytes:
                queue.set(fingerprint, now)
                break
            batch.append(outgoing)
            if len(batch) == max_alerts:
                break
        return batch

    def next_due(self, peer: str) -> float | None:
        """Return when the peer's next alert is due; None when there is none."""
        return self.queues[peer].next()

    def pending(self, peer: str) -> list[Alert]:
        """Return the alerts whose present version the peer has not accepted."""
        return self.cursors.pending(peer, self.store.alerts.values())

    def put_back(self, peer: str, batch: Iterable[Outgoing], now: float) -> None:
        """Queue again what the peer did not accept."""
        queue = self.queues[peer]
        for outgoing in batch:
            if outgoing.alert.fingerprint in self.store.alerts:
                queue.set(outgoing.alert.fingerprint, now)

    def is_current(self, outgoing: Outgoing) -> bool:
        """Return whether this is still what the peer should be sent."""
        alert = _present(self.store, outgoing.alert)
        return (
            alert is not None
            and alert.version == outgoing.alert.version
            and self.clock_steps == outgoing.clock_steps
        )

    def delivered(self, peer: str, outgoing: Outgoing, now: float) -> None:
        """Advance the peer's cursor: it has accepted this version."""
        sent = outgoing.alert
        self.queues[peer].release(sent.fingerprint)
        alert = _present(self.store, sent)
        if alert is None:
            return
        is_firing = sent.is_sent_as_firing
        if outgoing.clock_steps != self.clock_steps or (is_firing and now >= outgoing.ends_at):
            # The clock was set since then, or the answer came after the end that was sent. So we
            # do not know for how long the alert is active at the peer.
            self.put_back(peer, [outgoing], now)
            return
        cursor = advanced(
            self.cursors.get(peer, sent.fingerprint),
            sent,
            sent_at=outgoing.sent_at,
            ends_at=outgoing.ends_at,
            shift=outgoing.shift,
            now=now,
        )
        self.cursors.put(peer, sent.fingerprint, cursor)
        if alert.state is State.FIRING:
            # For other peers nothing has changed.
            self._queue_for(peer, alert, cursor, taken=False)
        else:
            self._queue(sent.fingerprint)

    def rejected(self, peer: str, outgoing: Outgoing) -> None:
        """Quarantine this version at the peer."""
        alert = outgoing.alert
        self.queues[peer].release(alert.fingerprint)
        if _present(self.store, alert) is not None:
            self.cursors.reject(peer, alert.fingerprint, alert.version)
            self._queue(alert.fingerprint)

    def confirm(self, module: str) -> bool:
        """Stop holding back what fired before the start. Return whether it must be sent."""
        alerts, held = self.store.alerts, self.unconfirmed
        confirmed = [name for name in held if name not in alerts or alerts[name].module == module]
        self.unconfirmed -= set(confirmed)
        for fingerprint in confirmed:
            self._queue(fingerprint)
        return bool(confirmed)

    def await_confirmation(self, now: float) -> None:
        """Hold back what fires and no peer has any more, until the first run of its module.

        If it were sent at once, it might end a moment later. That is too soon for Alertmanager to
        notify it. Alerts of `at` modules are sent at once: their next run may be a day away.
        """
        periodic = {module.name for module in self.store.service.modules if not module.at}
        for fingerprint, alert in self.store.alerts.items():
            ends = [cursor.ends_at for cursor in self.cursors.of(fingerprint) if cursor]
            if _may_be_over(alert) and alert.module in periodic and max(ends, default=0.0) <= now:
                self.unconfirmed.add(fingerprint)
                self._queue(fingerprint)

    def clock_was_set(self, step: float) -> None:
        """Keep for how long peers have held alerts, since the clock was set by `step` seconds."""
        self.clock_steps += 1
        self.last_clock_step = step
        for queue in self.queues.values():
            queue.end_waits()  # its times are those of the old clock
        for fingerprint in self.cursors.shift_times(step, fingerprints(self.store, reports=False)):
            self._queue(fingerprint)

    def forget_future(self, now: float) -> None:
        """Forget each time that lies in the future, since the clock was set back."""
        self.store.last_loss = min(self.store.last_loss, now)
        self.cursors.forget_future(now, fingerprints(self.store, reports=True))
        for fingerprint in self.store.alerts:
            self._queue(fingerprint)

    def _queue(self, fingerprint: str) -> None:
        """Queue an alert for each peer and for housekeeping."""
        alert = self.store.alerts.get(fingerprint)
        taken = alert is not None and alert.state is State.REPORT and self.cursors.was_taken(alert)
        waits = fingerprint in self.unconfirmed and alert and _may_be_over(alert)
        for peer in self.store.config.peers:
            if alert is None or waits:
                self.queues[peer].set(fingerprint, None)
            else:
                self._queue_for(peer, alert, self.cursors.get(peer, fingerprint), taken=taken)
        cursors, service = self.cursors.of(fingerprint), self.store.service
        due = timing.housekeeping_at(alert, cursors, service) if alert and not waits else None
        self.housekeeping.set(fingerprint, due)

    def _queue_for(self, peer: str, alert: Alert, cursor: Cursor | None, *, taken: bool) -> None:
        due = timing.due_at(alert, cursor, taken, self.store.service)
        self.queues[peer].set(alert.fingerprint, due)


def _may_be_over(alert: Alert) -> bool:
    """Return whether only a run can tell whether an alert from before the start still stands."""
    is_held = alert.state is State.HELD and not alert.is_report
    return alert.state is State.FIRING or is_held


def _present(store: Store, sent: Alert) -> Alert | None:
    """Return what has become of an alert that was sent, or None if it is gone.

    It may be gone, and the condition may have fired again as another alert. The versions of that
    one begin again. So the peer has not seen it, even if it took that version.
    """
    alert = store.alerts.get(sent.fingerprint)
    if alert is None or (alert.starts_at != sent.starts_at and alert.version <= sent.version):
        return None
    return alert


def fingerprints(store: Store, *, reports: bool) -> set[str]:
    """Return the fingerprints of all reports, or of all conditions."""
    return {
        fingerprint
        for fingerprint, alert in store.alerts.items()
        if (alert.state is State.REPORT) is reports
    }
