"""The way of a flush: mutes, the wait for other peers, the notification log, the receiver."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from attrs import define, field

from tests.simulation.alertmanager.flush import Flush
from tests.simulation.alertmanager.notification import Notification
from tests.simulation.alertmanager.notification_log import Entry, NotificationLog
from tests.simulation.alertmanager.settings import Settings
from tests.simulation.alertmanager.timers import Timers

LEAST_DEADLINE = 10.0
"""Seconds that a flush may take at least, beside its wait."""


@define
class Peering:
    """What a flush waits for in a cluster. Alone it waits for nothing."""

    ready_at: float = 0.0
    """No flush goes on before the gossip has settled."""
    wait: Callable[[], float] = lambda: 0.0
    """Seconds that the peers before this one are given."""


@define
class Pipeline:
    """Sends flushes, one step after another."""

    _name: str
    _settings: Settings
    _timers: Timers
    _log: NotificationLog
    _peering: Peering
    _mutes: Callable[[Mapping[str, str], float], bool]
    _finish: Callable[..., None]
    """Is told of a flush, the time, and whether it `succeeded`."""
    sent: list[Notification] = field(factory=list)
    """What was sent and not taken yet."""
    written: list[Entry] = field(factory=list)
    """What was written to the log and not yet told to the peers."""

    def send(self, flush: Flush) -> None:
        """Begin."""
        node = flush.group.node
        deadline = flush.tick + max(node.group_interval, LEAST_DEADLINE) + self._peering.wait()
        self._at(max(flush.tick, self._peering.ready_at), flush, deadline, self._mute)

    def _at(
        self,
        at: float,
        flush: Flush,
        deadline: float,
        step: Callable[[Flush, float, float], None],
    ) -> None:
        """Take a step now, later, or not at all if that is too late."""
        if at > deadline:
            self._timers.set(deadline, partial(self._give_up, flush))
        elif at > flush.tick:
            self._timers.set(at, lambda now: step(flush, deadline, now))
        else:
            step(flush, deadline, at)

    def _give_up(self, flush: Flush, now: float) -> None:
        self._finish(flush, now, succeeded=False)

    def _mute(self, flush: Flush, deadline: float, now: float) -> None:
        flush = flush.without_muted(lambda labels: self._mutes(labels, now))
        if flush.alerts:
            self._at(now + self._peering.wait(), flush, deadline, self._notify)
        else:
            self._finish(flush, now, succeeded=True)

    def _notify(self, flush: Flush, _deadline: float, now: float) -> None:
        key, node = flush.group.key, flush.group.node
        compared = flush.tick if self._settings.repeats_by_the_tick else now
        since = compared - node.repeat_interval

        def is_due(at: float) -> bool:
            return at < since or (at == since and self._settings.quick_receivers)

        reason = flush.reason(self._log.find(key, now), is_due)
        if reason is not None:
            notification = flush.notification(self._name, reason, now)
            if notification is not None:
                self.sent.append(notification)
            entry = self._log.write(
                key,
                now,
                firing=flush.firing,
                resolved=flush.resolved,
                repeat_interval=node.repeat_interval,
            )
            self.written.append(entry)
        self._finish(flush, now, succeeded=True)
