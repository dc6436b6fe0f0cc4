"""One loop for each peer: what is due is posted, the answer decides what comes next.

One request is in flight at a time, so that the order of each alert is kept; a peer that does
not answer holds up nobody but itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from logging import getLogger
from typing import Literal

import trio
from attrs import define, field

from supervisor.alerts.alert import SUPERVISOR, SelfAlert
from supervisor.alerts.self_alerts import REJECTED
from supervisor.delivery.client import Client
from supervisor.delivery.peer import PeerStatus
from supervisor.delivery.replies import Answer, Reply
from supervisor.host.clock import SLICE, Clock
from supervisor.ledger.store import Outgoing, Store
from supervisor.recorder.messages import Message, WakeUp
from supervisor.text import seconds

MOST_BYTES = 1 << 20
FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 60.0
LONGEST_RETRY_AFTER = 300.0

TOLERATED_SKEW = 30.0
SKEW_NOISE = 5.0
"""Seconds: clocks further apart are allowed for; a measured difference may wander so far."""

SKEWED = "PeerClockSkew"
MISCONFIGURED = "PeerMisconfigured"

_log = getLogger("supervisor.peers")


@define
class Sender:
    """Delivers the store to one peer. `jitter` returns a number from 0 to 1."""

    peer: PeerStatus
    client: Client
    store: Store
    clock: Clock
    send: trio.MemorySendChannel[Message]
    changed: trio.lowlevel.ParkingLot
    jitter: Callable[[], float]
    _ahead: list[Outgoing] = field(factory=list)
    _accepted: list[Outgoing] = field(factory=list)
    _accepted_at: float = 0.0
    """The next batch, and what the peer took of the last: both are seen to while it works."""

    async def deliver(self) -> None:
        """Post what is due, for as long as the supervisor lives."""
        self.peer.alive_at = trio.current_time()
        steps = self._clock_steps()
        await self._greet()
        try:
            while True:
                self.peer.alive_at = trio.current_time()
                known, steps = steps, self._clock_steps()
                if steps != known:
                    self._tell(WakeUp())  # so that the recorder looks at its clock
                    await self._greet()
                now = self.clock.now()
                if batch := self._next_batch(now):
                    await self._post(batch)
                else:
                    await self._wait(now)
        finally:
            self._note_accepted()

    def _next_batch(self, now: float) -> list[Outgoing]:
        """Return what to post now; of what was made ahead, what is still so."""
        made, self._ahead = self._ahead, []
        current = [item for item in made if self.store.is_current(item)]
        stale = [item for item in made if not self.store.is_current(item)]
        self.store.put_back(self.peer.url, stale, now)
        if current:
            return current
        self._note_accepted()
        return self._take(now)

    def _take(self, now: float) -> list[Outgoing]:
        most = self.client.settings.max_batch
        return self.store.take_due(self.peer.url, now, self.peer.shift, most, MOST_BYTES)

    def _use_the_wait(self, in_flight: list[Outgoing]) -> None:
        """Do while the peer works on a batch what would else keep it waiting."""
        self._note_accepted()
        if self._ahead:
            return
        now = self.clock.now()
        busy = {item.alert.fingerprint for item in in_flight}
        for item in self._take(now):
            if item.alert.fingerprint in busy:
                self.store.put_back(self.peer.url, [item], now)  # the answer tells when it is due
            else:
                self._ahead.append(item)

    def _note_accepted(self) -> None:
        accepted, self._accepted = self._accepted, []
        nudge = accepted and not self.store.has_unsaved_cursors
        for item in accepted:
            self.store.delivered(self.peer.url, item, self._accepted_at)
        if nudge:
            self._tell(WakeUp())

    def _clock_steps(self) -> int:
        """Return how often the clock was set; the store is told before it learns of an answer."""
        if step := self.clock.was_set_by():
            self.store.adjust(step)
        return self.store.steps

    async def _greet(self) -> None:
        """Ask for health, version and time of day: posting with a wrong clock loses alerts."""
        answer = await self.client.get("/api/v2/status", self.clock.now())
        self._compare_clocks(answer)  # also of one that refuses: it may take posts all the same
        if answer.reply is Reply.DELIVERED:
            self.peer.version = _version(answer.body)
            _log.info("%s: Alertmanager %s is reachable", self.peer.url, self.peer.version)
        else:
            _log.warning("%s: health check failed: %s", self.peer.url, answer)

    async def _wait(self, now: float) -> None:
        due = self.store.next_due(self.peer.url)
        with trio.move_on_after(SLICE if due is None else min(SLICE, max(0.0, due - now))):
            await self.changed.park()

    async def _post(self, batch: list[Outgoing]) -> None:
        """Post a batch, in smaller and smaller parts while the peer refuses it."""
        parts = [batch]
        while parts:
            part = parts.pop()
            begun = trio.current_time()
            answer = await self.client.post(
                [item.data for item in part],
                self.clock.now(),
                partial(self._use_the_wait, part),
            )
            self.peer.alive_at = trio.current_time()
            self.peer.seconds.observe(self.peer.alive_at - begun)
            answer = await self._explained(answer)
            self._note_accepted()
            self._clock_steps()
            if not self._compare_clocks(answer) and answer.reply in (Reply.DELIVERED, Reply.SPLIT):
                # What was taken had wrong times, and so has the rest of the batch.
                answer = Answer(Reply.RETRY, "clock", "its clock differs from what was known")
            now = self.clock.now()
            match answer.reply:
                case Reply.DELIVERED:
                    self._delivered(part, now)
                case Reply.SPLIT if len(part) > 1:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
                case Reply.SPLIT:
                    await self._quarantine(part[0], answer)
                case _:
                    for unsent in (part, *reversed(parts), self._ahead):
                        self.store.put_back(self.peer.url, unsent, now)
                    self._ahead = []
                    await self._back_off(answer)
                    return

    async def _explained(self, answer: Answer) -> Answer:
        """Return why a peer hangs up: what it says of our certificate can be lost with a body."""
        if answer.reason != "transport" or not self.peer.url.lower().startswith("https:"):
            return answer
        asked = await self.client.get("/api/v2/status", self.clock.now())
        return asked if asked.reason == "certificate" else answer

    def _delivered(self, part: list[Outgoing], now: float) -> None:
        self._accepted, self._accepted_at = part, now
        self.peer.sent += len(part)
        self.peer.last_success = now
        self.peer.failures = 0
        if self.peer.state != "ok":
            _log.info("%s: delivering again", self.peer.url)
        self._announce(MISCONFIGURED, None)
        self.peer.state = "ok"
        self.peer.error = ""

    async def _quarantine(self, item: Outgoing, answer: Answer) -> None:
        self.peer.errors["rejected"] += 1
        self.store.rejected(self.peer.url, item)
        name, module = item.alert.alertname, item.alert.module
        _log.error("%s: refuses the alert %r: %s", self.peer.url, name, answer)
        if module != SUPERVISOR:
            message = (
                f"{self.peer.url} refuses alert {name!r} of module {module}: {answer}; "
                "it is kept in quarantine and tried again when it changes"
            )
            await self.send.send(SelfAlert(REJECTED, module, message))

    async def _back_off(self, answer: Answer) -> None:
        """Wait with full jitter, or as long as the peer asks within bounds."""
        peer = self.peer
        peer.errors[answer.reason] += 1
        peer.error = str(answer)
        state: Literal["retrying", "misconfigured"] = (
            "misconfigured" if answer.reply is Reply.MISCONFIGURED else "retrying"
        )
        if peer.state != state:
            _log.warning("%s: cannot deliver: %s; keeping everything", peer.url, answer)
        message = None
        if state == "misconfigured":
            message = f"{peer.url} does not take alerts: {answer}; all are kept until it does"
        self._announce(MISCONFIGURED, message)
        peer.state = state
        wait = self.jitter() * min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(peer.failures, 16))
        if answer.retry_after is not None:
            longest = min(LONGEST_RETRY_AFTER, 2 * self.store.service.resend_interval)
            wait = min(max(answer.retry_after, 1.0), longest)
        peer.failures += 1
        until = trio.current_time() + wait
        while True:
            peer.alive_at = trio.current_time()
            await trio.sleep(min(SLICE, max(0.0, until - trio.current_time())))
            if trio.current_time() >= until:
                return

    def _compare_clocks(self, answer: Answer) -> bool:
        """Measure the peer's clock; return False if the times sent to it were wrong."""
        if answer.date is None:
            return True
        skew = answer.date - self.clock.now()
        self.peer.skew = skew
        shift = 0.0
        # Dates are whole seconds: at the very limit the shift would come and go with each.
        if abs(skew) > TOLERATED_SKEW - (SKEW_NOISE if self.peer.shift else 0.0):
            steady = abs(skew - self.peer.shift) <= SKEW_NOISE
            shift = self.peer.shift if steady else float(round(skew))
        agreed = shift == self.peer.shift
        self.peer.shift = shift
        message = None
        if shift:
            side = "ahead of" if shift > 0 else "behind"
            message = (
                f"the clock of {self.peer.url} is {seconds(abs(shift))} {side} this host's; "
                "times sent to it are shifted; check NTP on both"
            )
        if message and not agreed:
            _log.warning("%s", message)
        self._announce(SKEWED, message, renewed=not agreed)
        return agreed

    def _announce(self, alertname: str, message: str | None, *, renewed: bool = False) -> None:
        """Raise or end a condition about this peer, unless that is how it stands already."""
        stands = (alertname, self.peer.url) in self.store.sightings.get(SUPERVISOR, {})
        if stands != (message is not None) or renewed:
            self._tell(SelfAlert(alertname, self.peer.url, message))

    def _tell(self, message: Message) -> None:
        # When the channel is full, the next answer says it again.
        with suppress(trio.WouldBlock):
            self.send.send_nowait(message)


def _version(body: bytes) -> str:
    try:
        return str(json.loads(body)["versionInfo"]["version"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return "(version unknown)"
