"""The present state of every alert, sighting and cursor: what the ledger holds, in memory.

The recorder adopts committed changes; each sender writes the cursors of its own peer, which
reach the ledger with the next commit. A lost cursor sends again, and may tell an end `min_visible`
later, no more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from attrs import define, evolve, field, frozen

from supervisor.alerts import payload, timing
from supervisor.alerts.alert import CONSOLE, Alert, Cursor, ModuleRecord, Sighting, State
from supervisor.alerts.hysteresis import Key
from supervisor.config.service import Service
from supervisor.ledger.due_queue import DueQueue

ROW_BYTES = 400
"""What a row costs in the ledger beside its body, indexes and cursors included."""


@define
class Changes:
    """What one commit writes. None removes a row."""

    alerts: dict[str, Alert | None] = field(factory=dict)
    sightings: dict[str, dict[Key, Sighting | None]] = field(factory=dict)
    modules: dict[str, ModuleRecord] = field(factory=dict)
    cursors: dict[tuple[str, str], Cursor | None] = field(factory=dict)
    history: dict[int, Alert | None] = field(factory=dict)
    lost: Counter[str] = field(factory=Counter)

    def __bool__(self) -> bool:
        return any(
            (self.alerts, self.sightings, self.modules, self.cursors, self.history, self.lost)
        )

    def update(self, later: Changes) -> None:
        """Take in what a later commit would have written."""
        self.alerts |= later.alerts
        for module, group in later.sightings.items():
            self.sightings.setdefault(module, {}).update(group)
        self.modules |= later.modules
        self.cursors |= later.cursors
        self.history |= later.history
        self.lost.update(later.lost)


@frozen
class Outgoing:
    """One alert as it is about to be posted to one peer; `data` is its whole JSON object.

    `steps` is how often the clock had been set when its times were made.
    """

    alert: Alert
    sent_at: float
    ends_at: float
    shift: float
    steps: int
    data: bytes


@define
class Store:
    """All state of a running supervisor that survives it.

    `history` are alerts that are over and of which no peer need hear any more, numbered in
    the order of their going. `steps` is how often the clock was set, `last_step` by how many
    seconds the last time.
    """

    service: Service
    alerts: dict[str, Alert] = field(factory=dict)
    sightings: dict[str, dict[Key, Sighting]] = field(factory=dict)
    modules: dict[str, ModuleRecord] = field(factory=dict)
    cursors: dict[str, dict[str, Cursor]] = field(factory=dict)
    history: dict[int, Alert] = field(factory=dict)
    lost: Counter[str] = field(factory=Counter)
    unconfirmed: set[str] = field(factory=set)
    tending: DueQueue = field(factory=DueQueue)
    bytes: int = 0
    last_loss: float = 0.0
    steps: int = 0
    last_step: float = 0.0
    _queues: defaultdict[str, DueQueue] = field(factory=lambda: defaultdict(DueQueue))
    _dirty: set[tuple[str, str]] = field(factory=set)

    @property
    def peers(self) -> tuple[str, ...]:
        """The URLs of the peers; without any, the console."""
        return self.service.alertmanager.urls or (CONSOLE,)

    @property
    def has_unsaved_cursors(self) -> bool:
        return bool(self._dirty)

    def serve(self, service: Service) -> None:
        """Keep to this configuration from now on; whoever calls queues all alerts anew."""
        self.service = service
        for peer in self._queues.keys() - set(self.peers):
            del self._queues[peer]
        self.forget_other_peers()

    def cursors_of(self, fingerprint: str) -> Iterator[Cursor | None]:
        """Yield what each configured peer has accepted of an alert."""
        return (self.cursors.get(peer, {}).get(fingerprint) for peer in self.peers)

    def was_taken(self, alert: Alert) -> bool:
        """Return whether any peer took this episode as firing, or this report in time."""
        return timing.was_seen(alert, self.cursors_of(alert.fingerprint), self.service)

    def unsaved_cursors(self) -> dict[tuple[str, str], Cursor | None]:
        """Return, once, the cursors written since the last call."""
        unsaved = {
            (peer, fingerprint): self.cursors.get(peer, {}).get(fingerprint)
            for peer, fingerprint in self._dirty
        }
        self._dirty.clear()
        return unsaved

    def adopt(self, changes: Changes) -> None:
        """Make committed changes the present state and queue them for the peers."""
        for module, changed in changes.sightings.items():
            group = self.sightings.setdefault(module, {})
            for key, sighting in changed.items():
                if sighting is None:
                    group.pop(key, None)
                else:
                    group[key] = sighting
        self.modules |= changes.modules
        self.lost.update(changes.lost)
        for number, past in sorted(changes.history.items()):
            if past is None:
                self.history.pop(number, None)
            else:
                self.history[number] = past
        for fingerprint, alert in changes.alerts.items():
            self._replace(fingerprint, alert)

    def forget_other_peers(self) -> None:
        """Delete the cursors of peers that are no longer configured."""
        for peer in self.cursors.keys() - set(self.peers):
            self._dirty |= {(peer, fingerprint) for fingerprint in self.cursors.pop(peer)}

    def forget_cursor(self, peer: str, fingerprint: str) -> None:
        """Delete a cursor whose alert is no more."""
        self.cursors.get(peer, {}).pop(fingerprint, None)
        self._dirty.add((peer, fingerprint))

    def confirm(self, module: str) -> bool:
        """Let go out what was firing before the start and the module's first run has judged.

        Returns whether anything does.
        """
        confirmed = [
            name
            for name in self.unconfirmed
            if name not in self.alerts or self.alerts[name].module == module
        ]
        for fingerprint in confirmed:
            self.unconfirmed.discard(fingerprint)
            self._queue(fingerprint)
        return bool(confirmed)

    def await_confirmation(self, now: float) -> None:
        """Hold back what peers do not have, or let expire, until its module's first run judges it.

        Sent at once it might end a moment later, too soon for Alertmanager to notify it.
        Alerts of `at` modules, whose next run may be a day away, do go out at once.
        """
        periodic = {module.name for module in self.service.modules if not module.at}
        for fingerprint, alert in self.alerts.items():
            sent = [cursor.ends_at for cursor in self.cursors_of(fingerprint) if cursor]
            if (
                alert.state is State.FIRING
                and alert.module in periodic
                and max(sent, default=0.0) <= now
            ):
                self.unconfirmed.add(fingerprint)
                self._queue(fingerprint)

    def take_due(
        self, peer: str, now: float, shift: float, most: int, most_bytes: int
    ) -> list[Outgoing]:
        """Remove from the peer's queue what is due, as one batch ready to be posted."""
        queue = self._queues[peer]
        batch: list[Outgoing] = []
        size = 2
        while len(batch) < most and (fingerprint := queue.pop(now)):
            alert = self.alerts[fingerprint]
            if alert.state is State.REPORT and self._is_past(alert, now):
                continue  # housekeeping is about to date it anew, or to forget it
            outgoing = self._outgoing(peer, alert, now, shift)
            size += len(outgoing.data) + 1
            if batch and size > most_bytes:
                queue.set(fingerprint, now)
                break
            batch.append(outgoing)
        return batch

    def next_due(self, peer: str) -> float | None:
        """Return when the peer's next alert is due."""
        return self._queues[peer].next()

    def pending(self, peer: str) -> list[Alert]:
        """Return the alerts whose present version the peer has not accepted."""
        known = self.cursors.get(peer, {})
        return [
            alert
            for fingerprint, alert in self.alerts.items()
            if (cursor := known.get(fingerprint)) is None
            or alert.version not in (cursor.version, cursor.rejected)
        ]

    def delivered(self, peer: str, outgoing: Outgoing, now: float) -> None:
        """Advance the peer's cursor: it has accepted this body."""
        sent = outgoing.alert
        alert = self.alerts.get(sent.fingerprint)
        if alert is None:
            return
        is_firing = sent.state in (State.FIRING, State.OVER)
        if outgoing.steps != self.steps or (is_firing and now >= outgoing.ends_at):
            # The clock was set meanwhile, or the answer took so long that what was sent is over
            # already: nobody knows for how long it is active.
            self.put_back(peer, [outgoing], now)
            return
        known = self.cursors.setdefault(peer, {})
        cursor = known.get(sent.fingerprint)
        held = cursor.held_since if cursor and cursor.episode == sent.episode else None
        lapsed = cursor is not None and cursor.ends_at < outgoing.sent_at
        if (held is None or lapsed) and sent.state is not State.RESOLVED:
            held = now
        known[sent.fingerprint] = Cursor(
            sent.version,
            sent.episode,
            outgoing.sent_at,
            outgoing.ends_at,
            held,
            outgoing.shift if sent.state is State.REPORT else None,
            cursor.rejected if cursor else 0,
        )
        self._dirty.add((peer, sent.fingerprint))
        if alert.state is State.FIRING:
            self._queue_for(peer, alert, seen=False)  # what one peer has is all the same to others
        else:
            self._queue(sent.fingerprint)

    def rejected(self, peer: str, outgoing: Outgoing) -> None:
        """Quarantine this body at the peer until it changes."""
        if outgoing.alert.fingerprint not in self.alerts:
            return
        known = self.cursors.setdefault(peer, {})
        cursor = known.get(outgoing.alert.fingerprint, Cursor())
        known[outgoing.alert.fingerprint] = Cursor(
            cursor.version,
            cursor.episode,
            cursor.sent_at,
            cursor.ends_at,
            cursor.held_since,
            cursor.shift,
            outgoing.alert.version,
        )
        self._dirty.add((peer, outgoing.alert.fingerprint))
        self._queue(outgoing.alert.fingerprint)

    def put_back(self, peer: str, batch: list[Outgoing], now: float) -> None:
        """Queue again what the peer did not accept."""
        queue = self._queues[peer]
        for outgoing in batch:
            if outgoing.alert.fingerprint in self.alerts:
                queue.set(outgoing.alert.fingerprint, now)

    def is_current(self, outgoing: Outgoing) -> bool:
        """Return whether this is still what a peer should be sent; if not, put it back."""
        alert = self.alerts.get(outgoing.alert.fingerprint)
        return (
            alert is not None
            and alert.version == outgoing.alert.version
            and self.steps == outgoing.steps
        )

    def is_rejected(self, alert: Alert) -> bool:
        """Return whether a peer refuses the alert's present body."""
        return any(
            cursor is not None and cursor.rejected == alert.version
            for cursor in self.cursors_of(alert.fingerprint)
        )

    def rewind(self, now: float) -> None:
        """Forget every time of the past that lies ahead: the clock was set back."""
        self.last_loss = min(self.last_loss, now)
        latest = now + timing.LIFETIMES * self.service.resend_interval
        for peer, known in self.cursors.items():
            for fingerprint, cursor in known.items():
                if cursor.sent_at > now or (cursor.held_since or 0) > now:
                    held = None if cursor.held_since is None else min(cursor.held_since, now)
                    is_report = self.alerts[fingerprint].state is State.REPORT
                    known[fingerprint] = evolve(
                        cursor,
                        sent_at=0.0,
                        ends_at=cursor.ends_at if is_report else min(cursor.ends_at, latest),
                        held_since=held,
                    )
                    self._dirty.add((peer, fingerprint))
        for fingerprint in self.alerts:
            self._queue(fingerprint)

    def adjust(self, step: float) -> None:
        """Let no peer have held anything for longer or shorter than before the clock was set.

        A step ahead may be a suspend, in which the peers' own time went on: no end is moved ahead.
        """
        self.steps += 1
        self.last_step = step
        for peer, known in self.cursors.items():
            for fingerprint, cursor in known.items():
                alert = self.alerts.get(fingerprint)
                if cursor.held_since and alert and alert.state is not State.REPORT:
                    known[fingerprint] = evolve(
                        cursor,
                        held_since=cursor.held_since + step,
                        ends_at=cursor.ends_at + min(0.0, step),
                    )
                    self._dirty.add((peer, fingerprint))
                    self._queue(fingerprint)

    def _replace(self, fingerprint: str, alert: Alert | None) -> None:
        old = self.alerts.pop(fingerprint, None)
        self.bytes -= cost(old) if old else 0
        if alert is not None:
            self.alerts[fingerprint] = alert
            self.bytes += cost(alert)
        else:
            self.unconfirmed.discard(fingerprint)
            for peer, known in self.cursors.items():
                if known.pop(fingerprint, None):
                    self._dirty.add((peer, fingerprint))
        self._queue(fingerprint)

    def _queue(self, fingerprint: str) -> None:
        """Work out anew when each peer, and housekeeping, must look at the alert."""
        alert = self.alerts.get(fingerprint)
        seen = alert is not None and self._is_seen(alert)
        for peer in self.peers:
            if alert is None or self._is_held_back(alert):
                self._queues[peer].set(fingerprint, None)
            else:
                self._queue_for(peer, alert, seen=seen)
        tended = None
        if alert is not None:
            tended = timing.tended_at(alert, self.cursors_of(fingerprint), self.service)
        self.tending.set(fingerprint, tended)

    def _is_held_back(self, alert: Alert) -> bool:
        return alert.state is State.FIRING and alert.fingerprint in self.unconfirmed

    def _queue_for(self, peer: str, alert: Alert, *, seen: bool) -> None:
        cursor = self.cursors.get(peer, {}).get(alert.fingerprint)
        due = timing.due_at(alert, cursor, seen, self.service)
        self._queues[peer].set(alert.fingerprint, due)

    def _is_past(self, report: Alert, now: float) -> bool:
        return timing.is_past(report, self.was_taken(report), now, self.service)

    def _is_seen(self, alert: Alert) -> bool:
        """Return whether this is a report that some peer took in time."""
        return alert.state is State.REPORT and self.was_taken(alert)

    def _outgoing(self, peer: str, alert: Alert, now: float, shift: float) -> Outgoing:
        if alert.state is State.REPORT:
            cursor = self.cursors.get(peer, {}).get(alert.fingerprint)
            if cursor and cursor.shift is not None and cursor.version == alert.version:
                shift = cursor.shift
        ends_at = timing.sent_end(alert, now, self.service)
        return Outgoing(
            alert,
            now,
            ends_at,
            shift,
            self.steps,
            payload.dated(alert.body, alert.starts_at + shift, ends_at + shift),
        )


def cost(alert: Alert) -> int:
    """Return the bytes that an alert takes of `max_ledger`."""
    return len(alert.body) + ROW_BYTES
