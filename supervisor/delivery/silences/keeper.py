"""Silences that end with their alerts. Each sender has one keeper, for its own peer.

Alertmanager never tells the end of an alert that was silenced until it resolved. So such a silence
is ended just before the end of its alert is posted. While the alert fires, the silence is extended.
Which silences these are, the peer itself knows: their comments begin with a mark.
"""

from __future__ import annotations

from collections.abc import Iterable
from logging import getLogger
from typing import TYPE_CHECKING

import trio
from attrs import define, evolve, field

from supervisor.alerts.alert import Alert, State
from supervisor.delivery.peer import PeerStatus
from supervisor.delivery.silences.silence import (
    ACTIVE,
    LIFETIME,
    AnswerUnreadable,
    Key,
    Matcher,
    Silence,
)
from supervisor.delivery.silences.waiting import WaitingSilences
from supervisor.host.clock import Clock
from supervisor.ledger.outgoing import Outgoing
from supervisor.ledger.store import Store

if TYPE_CHECKING:
    from supervisor.delivery.client import Client
    from supervisor.delivery.silences.requests import Requests

_log = getLogger("supervisor.peers")


@define(eq=False, repr=False)
class Keeper:
    """Extends and ends the silences of one peer. Without silences it asks nothing."""

    peer: PeerStatus
    """Says whether silences were made."""

    client: Client
    """Talks to the peer, on the connection of the sender."""

    store: Store
    """The alerts."""

    clock: Clock
    """The host's clock."""

    waiting: WaitingSilences
    """Silences that no peer has taken yet."""

    _older: set[str] = field(init=False)
    """Fingerprints from before the sender began. They may have silences of an earlier process."""

    _kept: dict[Key, list[Silence]] = field(factory=dict)
    """The silences, by the condition that each belongs to."""

    def __attrs_post_init__(self) -> None:
        self._older = {
            fingerprint
            for fingerprint, alert in self.store.alerts.items()
            if alert.state is not State.REPORT
        }

    async def before_post(self, part: Iterable[Outgoing]) -> None:
        """Bring the silences in line with what is about to be posted. Never raises an error."""
        if self.waiting:
            known = self.store.alerts.values()
            await self.waiting.hand_over(self.client, self.peer, known, self.clock)
        if not (self._kept or self._older or self.peer.has_new_silences):
            return
        alerts = [item.alert for item in part if item.alert.state is not State.REPORT]
        if not alerts:
            return
        from supervisor.delivery.silences.requests import NotAnswered, Requests  # few have silences

        requests = Requests(self.client, self.clock)
        try:
            await self._look(requests, alerts)
            for alert in alerts:
                for silence in self._kept_for(alert):
                    self.peer.alive_at = trio.current_time()
                    try:
                        await self._fit(requests, silence, alert)
                    except NotAnswered as error:
                        if not error.is_missing:
                            raise
                        self._forget(silence)  # the peer has lost it
        except NotAnswered as error:
            # The post will fail, too, or the end is told once more in `resend_interval`.
            if not error.passes:
                self._give_up(str(error))
        except AnswerUnreadable as error:
            self._give_up(str(error))
        self.peer.alive_at = trio.current_time()

    async def _look(self, requests: Requests, alerts: Iterable[Alert]) -> None:
        """Ask which silences there are, if some may have been made that are not known."""
        is_older = any(alert.fingerprint in self._older for alert in alerts)
        if not (is_older or self.peer.has_new_silences):
            return
        self.peer.has_new_silences, is_known = False, False
        try:
            host = Matcher("host", self.store.service.labels.get("host", ""))
            found = await requests.all(str(host))
            is_known = True
        finally:
            self.peer.has_new_silences |= not is_known
        self._older.clear()
        self._kept.clear()
        for silence in found:
            if silence.is_until_resolved and silence.state in ACTIVE:
                self._kept.setdefault(silence.key, []).append(silence)

    def _kept_for(self, alert: Alert) -> list[Silence]:
        key = alert.module, alert.alertname, alert.instance
        kept = self._kept.get(key)
        if not kept:
            return []
        labels = alert.payload.labels
        return [silence for silence in kept if silence.matches(labels)]

    async def _fit(self, requests: Requests, silence: Silence, alert: Alert) -> None:
        """End the silence if the condition has ended. Extend it if half of its life is over."""
        if alert.state is State.RESOLVED:
            if not self._fires(alert):
                await requests.end(silence.id)
                self._forget(silence)
                _log.info("%s: ended the silence of %r: it is over", self.peer.url, alert.alertname)
            return
        until = self.clock.now() + self.peer.shift + LIFETIME
        if silence.ends_at > until - LIFETIME / 2:
            return
        known = await requests.one(silence.id)
        if known.state not in ACTIVE:  # somebody has ended it
            self._forget(silence)
            return
        if known.ends_at <= until - LIFETIME / 2:
            known = evolve(known, ends_at=until)
            known = evolve(known, id=await requests.put(known))
        self._forget(silence)
        self._kept.setdefault(known.key, []).append(known)

    def _fires(self, ended: Alert) -> bool:
        """Return whether the condition of an alert that has ended fires with another type."""
        sighting = self.store.sightings.get(ended.module, {}).get(ended.key)
        return sighting is not None and sighting.fingerprint not in ("", ended.fingerprint)

    def _forget(self, silence: Silence) -> None:
        kept = [each for each in self._kept.get(silence.key, ()) if each.id != silence.id]
        if kept:
            self._kept[silence.key] = kept
        else:
            self._kept.pop(silence.key, None)

    def _give_up(self, why: str) -> None:
        """Leave the silences to themselves. They end within `LIFETIME`."""
        self.peer.has_new_silences = False
        self._older.clear()
        self._kept.clear()
        _log.warning(
            "%s: cannot look after silences that last until their alerts end: %s; they end by "
            "themselves, and the ends of their alerts may not be mailed",
            self.peer.url,
            why,
        )
