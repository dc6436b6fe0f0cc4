"""What the running supervisor is doing, as one JSON document. Every view shows it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING

import trio
from attrs import define, field

from supervisor import __version__
from supervisor.alerts.alert import SUPERVISOR, Alert, State
from supervisor.control.at_peers import at_peer
from supervisor.control.socket_client import JsonObject
from supervisor.delivery.peer import PeerStatus
from supervisor.host.clock import Clock
from supervisor.ledger.outbox import Outbox
from supervisor.ledger.store import Store
from supervisor.modules.during import during
from supervisor.stats.module_stats import ModuleStats
from supervisor.text import rfc3339

if TYPE_CHECKING:
    from supervisor.delivery.fallback.last_resort import LastResort
    from supervisor.delivery.silences.standings import Standings

PARTS_PER_TURN = 100
"""Modules or alerts that are looked at before other tasks run, in about a millisecond."""

STATES = ("pending", "firing", "resolved", "report", "quarantined", "held")
"""The states of an alert."""


@define(eq=False, repr=False)
class Snapshot:
    """Makes the status document."""

    outbox: Outbox
    clock: Clock
    stats: Mapping[str, ModuleStats]
    peers: Callable[[], tuple[PeerStatus, ...]]
    """Returns what is known of the Alertmanagers of the current configuration."""

    ledger_bytes: Callable[[], int]
    """Returns the bytes that the ledger takes on disk."""

    find_standings: Callable[[], Standings] | None = None
    """Returns what asks the peers what they do with the alerts."""

    fallback: Callable[[], LastResort | None] = lambda: None
    """Returns what tells somebody when no peer answers. None: the service has no fallback."""

    standings: Standings | None = field(init=False, default=None)
    """The same, once an alert fires and somebody looks."""

    started: float = field(init=False)
    """When the supervisor was started, in Unix seconds."""

    @property
    def store(self) -> Store:
        """The alerts."""
        return self.outbox.store

    def __attrs_post_init__(self) -> None:
        self.started = self.clock.now()

    async def status(self) -> JsonObject:
        """Return the document of `status --json`.

        Other tasks run in between if there are thousands of modules and alerts.
        """
        if self.find_standings and self._fires():
            self.standings = self.standings or self.find_standings()
            await self.standings.look()
        modules = await _in_turns(self._modules())
        return self._document(modules, await _in_turns(chain(self._alerts(), self._sightings())))

    def _document(self, modules: list[JsonObject], alerts: list[JsonObject]) -> JsonObject:
        service, now = self.store.service, self.clock.now()
        return {
            "service": service.service,
            "host": service.labels.get("host", ""),
            "timezone": service.timezone.key,
            "pid": os.getpid(),
            "version": __version__,
            "now": moment(now),
            "uptime_seconds": round(max(0.0, now - self.started), 3),
            "modules": modules,
            "alerts": alerts,
            "peers": [self._peer(peer, now) for peer in self.peers()],
            **_fallback(self.fallback()),
            **(_maintenance(self.store, now) if service.maintenance else {}),
            "ledger": {
                "bytes": self.ledger_bytes(),
                "alerts": len(self.store.alerts),
                "dropped": self.store.lost.total(),
                "quarantined": self.states()["quarantined"],
            },
        }

    def states(self) -> Counter[str]:
        """Return the number of alerts in each state."""
        return Counter(self.state(alert) for alert in self.store.alerts.values())

    def _modules(self) -> Iterator[JsonObject]:
        service, now = self.store.service, self.clock.now()
        others = {module.name: module for module in service.modules if module.during}
        for stats in [*self.stats.values()]:
            found = self._module(stats)
            if module := others.get(stats.name):
                table = during(module, service.timezone, now)
                found["during"] = list(table.at) if table else []
            yield found

    def _module(self, stats: ModuleStats) -> JsonObject:
        return {
            "name": stats.name,
            "check": stats.check,
            "state": stats.state,
            "last_run": moment(stats.last_run),
            "last_seconds": _rounded(stats.last_seconds),
            "last_result": stats.last_result,
            "next_run": moment(stats.next_run),
            "runs": stats.runs,
            "failures": stats.failures,
            "skipped": stats.skipped.total(),
            "awaited": stats.is_awaited,
            "measurements": [
                {
                    "name": item.name,
                    "value": item.value,
                    "unit": item.unit,
                    "labels": dict(item.labels),
                }
                for item in stats.measurements
            ],
        }

    def _alerts(self) -> Iterator[JsonObject]:
        for alert in [*self.store.alerts.values()]:
            notes = alert.payload.annotations
            yield {
                "fingerprint": alert.fingerprint,
                "alertname": alert.alertname,
                "event_type": alert.event_type,
                "instance": alert.instance,
                "check": alert.module,
                "state": self.state(alert),
                "message": notes.get("message", ""),
                "runbook": notes.get("runbook", ""),
                "detailed": "detail" in notes,
                "starts_at": moment(alert.starts_at),
                "ends_at": None if alert.state is State.HELD else moment(alert.ends_at),
                "peers": {
                    peer.url: "delivered" if self._has(peer, alert) else "pending"
                    for peer in self.peers()
                    if alert.state is not State.HELD
                },
                "at_peers": self._at_peers(alert),
                **(_held(alert, notes) if alert.state is State.HELD else {}),
            }

    def _sightings(self) -> Iterator[JsonObject]:
        """Yield the conditions that were seen in fewer runs than `fire_after`."""
        for module, group in [*self.store.sightings.items()]:
            for (alertname, instance), sighting in [*group.items()]:
                if module != SUPERVISOR and not sighting.fingerprint:
                    yield {
                        "fingerprint": "",
                        "alertname": alertname,
                        "event_type": "",
                        "instance": instance,
                        "check": module,
                        "state": "pending",
                        "message": f"seen in {sighting.seen} runs",
                        "runbook": "",
                        "detailed": False,
                        "starts_at": None,
                        "ends_at": None,
                        "peers": {},
                        "at_peers": [],
                    }

    def state(self, alert: Alert) -> str:
        """Return one of `STATES`."""
        if self.outbox.cursors.is_rejected(alert):
            return "quarantined"
        if alert.state is not State.OVER:
            return alert.state.value
        # It is over, but it is told as firing. Before a peer knows of it, it waits to be shown.
        return "firing" if self.outbox.cursors.was_taken(alert) else "pending"

    def _fires(self) -> bool:
        return any(alert.is_sent_as_firing for alert in self.store.alerts.values())

    def _at_peers(self, alert: Alert) -> list[JsonObject]:
        """Return what each peer does with an alert that fires."""
        if self.standings is None or not alert.is_sent_as_firing:
            return []
        return [
            at_peer(peer.url, self.standings.of(peer.url, alert.fingerprint))
            for peer in self.peers()
        ]

    def _has(self, peer: PeerStatus, alert: Alert) -> bool:
        cursor = self.outbox.cursors.get(peer.url, alert.fingerprint)
        return cursor is not None and cursor.version == alert.version

    def _peer(self, peer: PeerStatus, now: float) -> JsonObject:
        pending = self.outbox.pending(peer.url)
        return {
            "url": peer.url,
            "state": peer.state,
            "version": peer.version,
            "pending": len(pending),
            "oldest_pending_seconds": self.oldest_pending(peer, pending, now),
            "last_success": moment(peer.last_success),
            "error": peer.error,
            "clock_skew_seconds": round(peer.skew, 3),
            "sent": peer.sent,
        }

    def oldest_pending(self, peer: PeerStatus, pending: list[Alert], now: float) -> float:
        """Return for how many seconds the oldest alert has waited for the peer, 0 without one."""
        known = self.outbox.cursors.known.get(peer.url, {})
        since = []
        for alert in pending:
            cursor = known.get(alert.fingerprint)
            # An alert that has changed did so after it was last sent.
            sent = cursor.sent_at if cursor else 0.0
            ended = 0.0 if alert.state is State.REPORT else alert.ends_at or 0.0
            since.append(max(alert.starts_at, ended, sent))
        return round(max((now - at for at in since), default=0.0), 3)


def _held(alert: Alert, notes: Mapping[str, str]) -> JsonObject:
    """Return the keys that a held alert has beside the others."""
    return {"held": notes.get("held", ""), "held_until": moment(alert.ends_at)}


def _fallback(last_resort: LastResort | None) -> JsonObject:
    """Return the key that a service with a fallback has."""
    if last_resort is None:
        return {}
    from supervisor.control.fallback import state_of  # few services have one

    return {"fallback": state_of(last_resort)}


def _maintenance(store: Store, now: float) -> JsonObject:
    """Return the key that a service with maintenance windows has."""
    from supervisor.control.windows import windows  # few services have them

    return {"maintenance": windows(store, now)}


async def _in_turns(parts: Iterator[JsonObject]) -> list[JsonObject]:
    found = []
    for count, part in enumerate(parts, 1):
        found.append(part)
        if count % PARTS_PER_TURN == 0:
            await trio.lowlevel.checkpoint()
    return found


def moment(seconds: float | None) -> str | None:
    """Return Unix seconds as RFC 3339, or None for a time that has not come or never will."""
    if seconds is None or seconds == float("inf"):
        return None
    return rfc3339(seconds)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
