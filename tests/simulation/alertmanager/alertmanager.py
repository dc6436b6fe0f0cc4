"""One Alertmanager, in the time that its caller gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import define, field

from tests.simulation.alertmanager.body import Answer
from tests.simulation.alertmanager.dispatcher import Dispatcher
from tests.simulation.alertmanager.flush import Flush
from tests.simulation.alertmanager.intake import Intake
from tests.simulation.alertmanager.listing import shown
from tests.simulation.alertmanager.matcher import Matcher
from tests.simulation.alertmanager.notification import Notification
from tests.simulation.alertmanager.notification_log import Entry, NotificationLog
from tests.simulation.alertmanager.pipeline import Peering, Pipeline
from tests.simulation.alertmanager.settings import Settings
from tests.simulation.alertmanager.silences import Silence, Silences
from tests.simulation.alertmanager.store import Store
from tests.simulation.alertmanager.ticks import Ticks
from tests.simulation.alertmanager.timers import Timers


@define(eq=False)
class Alertmanager:
    """A model of Alertmanager. Times are Unix seconds, and never go back.

    A call at a time first does all that was due before it. What is due at the very time of a post
    sees the post if it has not been done yet.
    """

    settings: Settings
    started: float
    name: str = "alertmanager"
    peering: Peering = field(factory=Peering)
    is_up: bool = field(default=True, init=False)
    _now: float = field(init=False)
    _timers: Timers = field(init=False)
    _log: NotificationLog = field(init=False)
    _silences: Silences = field(init=False)
    _intake: Intake = field(init=False)
    _store: Store = field(init=False)
    _dispatcher: Dispatcher = field(init=False)
    _pipeline: Pipeline = field(init=False)

    def __attrs_post_init__(self) -> None:
        settings = self.settings
        self._now = self.started
        self._timers = Timers()
        self._log = NotificationLog.of(settings.retention, self._maintenance(self.started))
        self._silences = Silences.of(self.name, settings.retention, self._maintenance(self.started))
        self._intake = Intake(settings.resolve_timeout)
        self._pipeline = Pipeline(
            name=self.name,
            settings=settings,
            timers=self._timers,
            log=self._log,
            peering=self.peering,
            mutes=self._is_muted,
            finish=self._finish,
        )
        self._forget(self.started)

    def post(self, alerts: object, now: float) -> Answer:
        """Take the body of a POST to /api/v2/alerts, as JSON that was read."""
        self._go_to(now)
        valid, answer = self._intake.read(alerts, now)
        for alert in valid:
            self._dispatcher.insert(self._store.put(alert, now), now)
        return answer

    def next_event(self) -> float | None:
        """Return when `advance` has something to do; None if that is never."""
        return self._timers.next

    def advance(self, now: float) -> list[Notification]:
        """Return all that was sent until now and not returned before, in order."""
        self._go_to(now)
        self._timers.run_until(now)
        sent = [*self._pipeline.sent]
        self._pipeline.sent.clear()
        return sent

    def active(self, now: float) -> list[dict[str, Any]]:
        """Return the answer to GET /api/v2/alerts."""
        self._go_to(now)
        return [
            shown(
                alert,
                receivers=self._dispatcher.receivers(alert.series),
                silenced_by=self._silences.muting(alert.series.labels, now),
                inhibited_by=self._inhibiting(alert.series.labels, now),
            )
            for alert in self._store.shown(now)
        ]

    def silence(
        self, matchers: Sequence[Matcher], *, starts_at: float, ends_at: float, now: float
    ) -> Silence:
        """Mute what all matchers match. ValueError for what the API refuses."""
        self._go_to(now)
        return self._silences.add(tuple(matchers), starts_at, ends_at, now=now)

    def expire_silence(self, silence_id: str, now: float) -> Silence:
        """End a silence. KeyError if it is not known."""
        self._go_to(now)
        return self._silences.expire(silence_id, now)

    def restart(self, now: float, *, killed: bool = False) -> None:
        """End it and start it at once."""
        if killed:
            self.kill(now)
        else:
            self.stop(now)
        self.start(now)

    def stop(self, now: float) -> None:
        """End it with SIGTERM: notification log and silences are saved, alerts are gone."""
        self._go_to(now)
        self._log.saved.save(now)
        self._silences.saved.save(now)
        self._end()

    def kill(self, now: float) -> None:
        """End it with SIGKILL: what was written since the last maintenance is gone too."""
        self._go_to(now)
        self._log.saved.kill(now)
        self._silences.saved.kill(now)
        self._end()

    def start(self, now: float) -> None:
        """Start one that was ended."""
        self._now = now
        self.started = now
        self.is_up = True
        self._log.saved.start(self._maintenance(now))
        self._silences.saved.start(self._maintenance(now))
        self._forget(now)

    def entries(self, now: float) -> list[Entry]:
        """Return the notification log: what a peer is told that joins."""
        return self._log.all(now)

    def silences(self, now: float) -> list[Silence]:
        """Return the silences: what a peer is told that joins."""
        return self._silences.all(now)

    def take_written(self) -> list[Entry]:
        """Return what was written to the notification log since the last call."""
        written = [*self._pipeline.written]
        self._pipeline.written.clear()
        return written

    def merge(self, told: Iterable[Entry | Silence], now: float) -> None:
        """Take what a peer tells."""
        self._go_to(now)
        for each in told:
            if isinstance(each, Entry):
                self._log.merge(each, now)
            else:
                self._silences.merge(each, now)

    def _go_to(self, now: float) -> None:
        assert self.is_up, f"{self.name} is down"
        if now < self._now:
            raise ValueError(f"{now} is before {self._now}")
        self._now = now
        self._timers.run_before(now)

    def _finish(self, flush: Flush, now: float, *, succeeded: bool) -> None:
        self._dispatcher.finish(flush, now, succeeded=succeeded)

    def _end(self) -> None:
        self.is_up = False
        self._timers.clear()

    def _forget(self, now: float) -> None:
        """Begin without alerts."""
        self._store = Store(Ticks(now, self.settings.gc_interval))
        self._dispatcher = Dispatcher.of(self.settings, self._timers, now, self._pipeline.send)

    def _maintenance(self, now: float) -> Ticks:
        return Ticks(now, self.settings.maintenance_interval)

    def _is_muted(self, labels: Mapping[str, str], now: float) -> bool:
        return bool(self._inhibiting(labels, now) or self._silences.muting(labels, now))

    def _inhibiting(self, labels: Mapping[str, str], now: float) -> list[str]:
        """Return the fingerprint of an alert that mutes these labels; none or one."""
        for rule in self.settings.inhibit_rules:
            found = rule.inhibitor(labels, self._store.firing(now))
            if found is not None:
                return [found.series.fingerprint]
        return []
