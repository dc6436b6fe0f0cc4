"""One loop for each peer: post what is due, and act on the answer.

One request is in flight at a time, so that the order of each alert is kept. A peer that does
not answer delays only its own sender. See docs/reference/delivery.md for the rules.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from logging import getLogger
from typing import TYPE_CHECKING

import trio
from attrs import define, field

from supervisor.delivery.announcements import Announcements
from supervisor.delivery.back_off import BatchSize
from supervisor.delivery.clock_skew import PeerClock, skew_message
from supervisor.delivery.failures import Failures
from supervisor.delivery.pace import Pace
from supervisor.delivery.peer import STATUS_PATH, PeerStatus
from supervisor.delivery.prefetch import Prefetch
from supervisor.delivery.replies import Answer, Reply
from supervisor.delivery.silences.keeper import Keeper
from supervisor.host.clock import MAX_SLEEP, Clock
from supervisor.ledger.outbox import Outbox
from supervisor.ledger.outgoing import Outgoing, shifted
from supervisor.recorder.messages import Message, WakeUp

if TYPE_CHECKING:
    from supervisor.delivery.client import Client

GREETING_INTERVAL = 600.0
"""Seconds after which a peer is asked for its version again. It may have been upgraded."""

_log = getLogger("supervisor.peers")


@define(eq=False, repr=False, kw_only=True)
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

    silences: Keeper
    """Brings the peer's silences in line before each post."""

    answered: Callable[[bool], None] = lambda _taken: None
    """Told after each post whether the peer took it."""

    _announcements: Announcements = field(init=False)
    """Tells the recorder about the peer."""

    _pace: Pace = field(init=False)
    """How long a request may take."""

    _prefetch: Prefetch = field(init=False)
    """Makes the batches."""

    _peer_clock: PeerClock = field(init=False)
    """By how much times are shifted."""

    _failures: Failures = field(init=False)
    """What has failed, and what follows from it."""

    _greets_at: float = 0.0
    """trio's time at which to ask for the version again."""

    def __attrs_post_init__(self) -> None:
        size = BatchSize(self.client.settings.max_batch)
        self._announcements = Announcements(
            url=self.peer.url, store=self.outbox.store, send=self.send
        )
        self._failures = Failures(
            peer=self.peer,
            outbox=self.outbox,
            clock=self.clock,
            size=size,
            announcements=self._announcements,
            jitter=self.jitter,
            answered=self.answered,
        )
        self._pace = Pace.of(self.outbox.store.service)
        self._peer_clock = PeerClock(self.peer.shift)
        self._prefetch = Prefetch(
            peer=self.peer,
            outbox=self.outbox,
            clock=self.clock,
            size=size,
            pace=self._pace,
            wake_recorder=lambda: self._announcements.tell(WakeUp()),
        )

    async def deliver(self) -> None:
        """Post what is due, for as long as the supervisor lives."""
        self.peer.alive_at = trio.current_time()
        self.outbox.queues[self.peer.url].end_waits()  # after a reload, what failed before may pass
        steps = self._clock_steps()
        await self._greet()
        try:
            while True:
                self.peer.alive_at = trio.current_time()
                known, steps = steps, self._clock_steps()
                if steps != known:
                    self._announcements.tell(WakeUp())  # the recorder then looks at its clock
                    await self._greet()
                now = self.clock.now()
                if batch := self._prefetch.next_batch(now):
                    await self._post(batch)
                elif self.peer.state == "ok" and trio.current_time() >= self._greets_at:
                    await self._greet(again=True)
                else:
                    await self._wait(now)
        finally:
            self._prefetch.advance_cursors()

    def _clock_steps(self) -> int:
        """Return how often the clock was set. Tell the outbox if it was set just now."""
        if step := self.clock.was_set_by():
            self.outbox.clock_was_set(step)
        return self.outbox.clock_steps

    async def _greet(self, *, again: bool = False) -> None:
        """Ask for version and time before the first post. Times that are wrong lose alerts."""
        answer = await self.client.get(STATUS_PATH, self.clock.now())
        self._greets_at = trio.current_time() + GREETING_INTERVAL
        self._compare_clocks(answer)  # also if it refuses this: it may take posts all the same
        known, url = self.peer.version, self.peer.url
        if answer.reply is Reply.DELIVERED:
            self.peer.version = _version(answer.body)
            if not again or self.peer.version != known:
                _log.info("%s: Alertmanager %s is reachable", url, self.peer.version)
        elif not again:
            _log.warning("%s: health check failed: %s", url, answer)

    async def _wait(self, now: float) -> None:
        due, look = self.outbox.next_due(self.peer.url), self.clock.until_look()
        with trio.move_on_after(look if due is None else min(look, max(0.0, due - now))):
            await self.changed.park()

    async def _post(self, batch: list[Outgoing]) -> None:
        """Post a batch. Split it into smaller parts while the peer refuses it."""
        parts = [batch]
        while parts:
            part = parts.pop()
            answer, times_were_wrong = await self._answer(part)
            now = self.clock.now()
            match answer.reply:
                case Reply.DELIVERED if times_were_wrong:
                    cursors = self.outbox.cursors.known.get(self.peer.url, {})
                    self._delivered(shifted(part, cursors, self.peer.shift), now)
                    self._prefetch.advance_cursors()
                case Reply.DELIVERED:
                    self._delivered(part, now)
                    continue
                case Reply.SPLIT if times_were_wrong:
                    pass
                case Reply.SPLIT if len(part) > 1:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
                    continue
                case Reply.SPLIT:
                    await self._failures.refused(part[0], answer)
                    continue
            # What has the wrong times, or failed, is made again.
            for unsent in reversed(parts):
                self.outbox.put_back(self.peer.url, unsent, now)
            self._prefetch.put_back(now)
            if times_were_wrong and answer.reply in (Reply.DELIVERED, Reply.SPLIT):
                self.outbox.put_back(self.peer.url, part, now)
            else:
                await _sleep(self.peer, self._failures.failed(part, answer))
            return

    async def _answer(self, part: list[Outgoing]) -> tuple[Answer, bool]:
        """Post a part of a batch. Return the answer, and whether the times sent were wrong."""
        await self.silences.before_post(part)
        size = sum(len(item.data) + 1 for item in part)
        limit = self._pace.seconds_for(size)
        begun = trio.current_time()
        self.peer.alive_at = begun + limit - self.client.settings.timeout
        answer = await self.client.post(
            [item.data for item in part],
            self.clock.now(),
            partial(self._prefetch.work_ahead, part),
            timeout=limit,
        )
        self.peer.alive_at = trio.current_time()
        took = self.peer.alive_at - begun
        self.peer.seconds.observe(took)
        if answer.reply is Reply.DELIVERED:
            self._pace.took(size, took)
        elif answer.reason == "timeout":
            self._pace.timed_out(size, limit)
        answer = await self.client.explained(answer, self.clock.now())
        self._prefetch.advance_cursors()
        self._clock_steps()
        return answer, self._compare_clocks(answer)

    def _delivered(self, part: list[Outgoing], now: float) -> None:
        self._prefetch.note_accepted(part, now)
        self._failures.ended(part, now)

    def _compare_clocks(self, answer: Answer) -> bool:
        """Measure the peer's clock. Return whether the times sent to it were wrong."""
        if answer.date is None:
            return False
        peer, clock = self.peer, self._peer_clock
        peer.skew = answer.date - self.clock.now()
        before = skew_message(peer.url, clock)
        were_wrong = clock.measure(
            peer.skew, moment=trio.current_time(), own_steps=self.outbox.clock_steps
        )
        peer.shift = clock.shift
        message = skew_message(peer.url, clock)
        if message and message != before:
            _log.warning("%s", message)
        self._announcements.clock(message, renewed=message != before)
        return were_wrong


async def _sleep(peer: PeerStatus, seconds: float) -> None:
    until = trio.current_time() + seconds
    while (left := until - trio.current_time()) > 0:
        peer.alive_at = trio.current_time()
        await trio.sleep(min(MAX_SLEEP, left))


def _version(body: bytes) -> str:
    try:
        return str(json.loads(body)["versionInfo"]["version"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return "(version unknown)"
