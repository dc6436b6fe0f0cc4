"""One loop for each peer: post what is due, and act on the answer.

One request is in flight at a time, so that the order of each alert is kept. A peer that does
not answer delays only its own sender. See docs/reference/delivery.md for the rules.
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

from supervisor.alerts.alert import SUPERVISOR
from supervisor.alerts.self_alerts import (
    ALERT_REJECTED,
    PEER_CLOCK_SKEW,
    PEER_MISCONFIGURED,
    SelfAlert,
    SelfAlertKind,
)
from supervisor.delivery.client import Client
from supervisor.delivery.clock_skew import shift_for, skew_message
from supervisor.delivery.peer import PeerStatus
from supervisor.delivery.prefetch import Prefetch
from supervisor.delivery.replies import Answer, Reply
from supervisor.host.clock import MAX_SLEEP, Clock
from supervisor.ledger.outbox import Outbox, Outgoing
from supervisor.recorder.messages import Message, WakeUp

FIRST_BACKOFF = 1.0
"""Seconds of the first wait after a failure. The jitter makes it shorter."""

MAX_BACKOFF = 60.0
"""Seconds of any later wait, unless the peer asks for another one."""

MIN_RETRY_AFTER = 1.0
"""Seconds that the sender waits at least when the peer asks it to wait."""

MAX_RETRY_AFTER = 300.0
"""Seconds that a peer may ask us to wait."""

MAX_DOUBLINGS = 16
"""How often the wait is doubled. More would only risk an overflow."""

STATUS_PATH = "/api/v2/status"
"""Where a peer gives its version and its time."""

_log = getLogger("supervisor.peers")


@define(kw_only=True)
class Sender:
    """Delivers the outbox to one peer."""

    peer: PeerStatus
    """What is known of the peer. The sender keeps it up to date."""

    client: Client
    """Posts to the peer."""

    outbox: Outbox
    """What must be sent."""

    clock: Clock
    """The host's clock."""

    send: trio.MemorySendChannel[Message]
    """Leads to the recorder."""

    changed: trio.lowlevel.ParkingLot
    """Wakes the sender when the outbox has changed."""

    jitter: Callable[[], float]
    """Returns a number from 0 to 1."""

    _prefetch: Prefetch = field(init=False)
    """Makes the batches."""

    def __attrs_post_init__(self) -> None:
        self._prefetch = Prefetch(
            peer=self.peer,
            outbox=self.outbox,
            clock=self.clock,
            max_batch=self.client.settings.max_batch,
            wake_recorder=lambda: self._tell(WakeUp()),
        )

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
                    self._tell(WakeUp())  # the recorder then looks at its clock
                    await self._greet()
                now = self.clock.now()
                if batch := self._prefetch.next_batch(now):
                    await self._post(batch)
                else:
                    await self._wait(now)
        finally:
            self._prefetch.advance_cursors()

    def _clock_steps(self) -> int:
        """Return how often the clock was set. Tell the outbox if it was set just now."""
        if step := self.clock.was_set_by():
            self.outbox.clock_was_set(step)
        return self.outbox.clock_steps

    async def _greet(self) -> None:
        """Ask for version and time before the first post. Times that are wrong lose alerts."""
        answer = await self.client.get(STATUS_PATH, self.clock.now())
        self._compare_clocks(answer)  # also if it refuses this: it may take posts all the same
        if answer.reply is Reply.DELIVERED:
            self.peer.version = _version(answer.body)
            _log.info("%s: Alertmanager %s is reachable", self.peer.url, self.peer.version)
        else:
            _log.warning("%s: health check failed: %s", self.peer.url, answer)

    async def _wait(self, now: float) -> None:
        due = self.outbox.next_due(self.peer.url)
        with trio.move_on_after(MAX_SLEEP if due is None else min(MAX_SLEEP, max(0.0, due - now))):
            await self.changed.park()

    async def _post(self, batch: list[Outgoing]) -> None:
        """Post a batch. Split it into smaller parts while the peer refuses it."""
        parts = [batch]
        while parts:
            part = parts.pop()
            answer = await self._answer(part)
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
                    for unsent in (part, *reversed(parts)):
                        self.outbox.put_back(self.peer.url, unsent, now)
                    self._prefetch.put_back(now)
                    await self._back_off(answer)
                    return

    async def _answer(self, part: list[Outgoing]) -> Answer:
        """Post a part of a batch and return the answer."""
        begun = trio.current_time()
        answer = await self.client.post(
            [item.data for item in part],
            self.clock.now(),
            partial(self._prefetch.work_ahead, part),
        )
        self.peer.alive_at = trio.current_time()
        self.peer.seconds.observe(self.peer.alive_at - begun)
        answer = await self._explained(answer)
        self._prefetch.advance_cursors()
        self._clock_steps()
        if not self._compare_clocks(answer) and answer.reply in (Reply.DELIVERED, Reply.SPLIT):
            # The peer took wrong times, and the rest of the batch has them too.
            return Answer(Reply.RETRY, "clock", "its clock differs from what was known")
        return answer

    async def _explained(self, answer: Answer) -> Answer:
        """Return why a peer hung up. A post can lose what the peer says about our certificate."""
        if answer.reason != "transport" or not self.peer.url.lower().startswith("https:"):
            return answer
        asked = await self.client.get(STATUS_PATH, self.clock.now())
        return asked if asked.reason == "certificate" else answer

    def _delivered(self, part: list[Outgoing], now: float) -> None:
        self._prefetch.note_accepted(part, now)
        self.peer.sent += len(part)
        self.peer.last_success = now
        self.peer.failures = 0
        if self.peer.state != "ok":
            _log.info("%s: delivering again", self.peer.url)
        self._raise_or_end(PEER_MISCONFIGURED, None)
        self.peer.state = "ok"
        self.peer.error = ""

    async def _quarantine(self, item: Outgoing, answer: Answer) -> None:
        self.peer.errors["rejected"] += 1
        self.outbox.rejected(self.peer.url, item)
        name, module = item.alert.alertname, item.alert.module
        _log.error("%s: refuses the alert %r: %s", self.peer.url, name, answer)
        if module != SUPERVISOR:
            message = (
                f"{self.peer.url} refuses alert {name!r} of module {module}: {answer}; "
                "it is kept in quarantine and tried again when it changes"
            )
            await self.send.send(SelfAlert(ALERT_REJECTED, message, module))

    async def _back_off(self, answer: Answer) -> None:
        """Wait with full jitter, or for as long as the peer asks, within bounds."""
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
        self._raise_or_end(PEER_MISCONFIGURED, message)
        peer.state = state
        resend_interval = self.outbox.store.service.resend_interval
        wait = backoff(peer.failures, answer.retry_after, resend_interval, self.jitter())
        until = trio.current_time() + wait
        peer.failures += 1
        while True:
            peer.alive_at = trio.current_time()
            await trio.sleep(min(MAX_SLEEP, max(0.0, until - trio.current_time())))
            if trio.current_time() >= until:
                return

    def _compare_clocks(self, answer: Answer) -> bool:
        """Measure the peer's clock. Return False if the times sent to it were wrong."""
        if answer.date is None:
            return True
        skew = answer.date - self.clock.now()
        shift = shift_for(skew, self.peer.shift)
        agreed = shift == self.peer.shift
        self.peer.skew, self.peer.shift = skew, shift
        message = skew_message(self.peer.url, shift) if shift else None
        if message and not agreed:
            _log.warning("%s", message)
        self._raise_or_end(PEER_CLOCK_SKEW, message, renewed=not agreed)
        return agreed

    def _raise_or_end(
        self, kind: SelfAlertKind, message: str | None, *, renewed: bool = False
    ) -> None:
        """Raise or end a self-alert about this peer, if that changes anything."""
        alert = SelfAlert(kind, message, self.peer.url)
        is_raised = alert.key in self.outbox.store.sightings.get(SUPERVISOR, {})
        if is_raised != (message is not None) or renewed:
            self._tell(alert)

    def _tell(self, message: Message) -> None:
        # If the channel is full, the next answer leads to the same message.
        with suppress(trio.WouldBlock):
            self.send.send_nowait(message)


def backoff(
    failures: int, retry_after: float | None, resend_interval: float, jitter: float
) -> float:
    """Return for how many seconds to wait after a failure.

    `failures` is how many came before it in a row. `retry_after` is what the peer asks for, in
    seconds. `jitter` is a number from 0 to 1.
    """
    if retry_after is not None:
        return min(max(retry_after, MIN_RETRY_AFTER), MAX_RETRY_AFTER, 2 * resend_interval)
    doubled = FIRST_BACKOFF * 2.0 ** min(failures, MAX_DOUBLINGS)
    return jitter * min(MAX_BACKOFF, doubled)


def _version(body: bytes) -> str:
    try:
        return str(json.loads(body)["versionInfo"]["version"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return "(version unknown)"
