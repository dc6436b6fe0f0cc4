"""The one task that changes the book: runs come in, are committed, and only then count.

All messages that wait are committed together. When the disk refuses, the supervisor goes on
from memory, says so, and writes what is owed as soon as the disk takes it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from logging import getLogger
from typing import TypeAlias

import trio
from attrs import define, field

from supervisor import console
from supervisor.book import Book, Changes
from supervisor.clock import SLICE, Clock
from supervisor.draft import Draft
from supervisor.errors import LedgerCorrupt, LedgerError
from supervisor.ledger import Ledger, everything, set_aside
from supervisor.model import CONSOLE, Announcement, Run
from supervisor.progress import Progress
from supervisor.service import Module

MOST_MESSAGES = 500
CURSOR_DELAY = 1.0
RETRY_DELAY = 5.0
"""Seconds: how long cursors wait for another commit, and how soon a refused one is tried again."""

UNWRITABLE = "LedgerUnwritable"
CORRUPT = "LedgerCorrupt"

_log = getLogger("supervisor.ledger")


@define
class Ping:
    """Answered when everything sent before it is on disk; the watchdog's question."""

    committed: trio.Event = field(factory=trio.Event)


@define
class Nudge:
    """Nothing to record, but cursors to be written or times to be looked at."""


Message: TypeAlias = Run | Announcement | Ping | Nudge


@define
class Recorder:
    """Owns the book and its ledger. `changed` wakes the senders."""

    book: Book
    ledger: Ledger
    clock: Clock
    progress: Mapping[str, Progress]
    changed: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)
    owed: Changes = field(factory=Changes)
    idle: bool = True
    _limiter: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1))
    _last_now: float = 0.0

    async def record(self, receive: trio.MemoryReceiveChannel[Message]) -> None:
        """Commit what arrives until the channel is closed and empty."""
        self._print_unprinted()
        open_ended = True
        while open_ended:
            messages: list[Message] = []
            with trio.move_on_after(self._patience()):
                try:
                    messages.append(await receive.receive())
                except trio.EndOfChannel:
                    open_ended = False
            with suppress(trio.WouldBlock, trio.EndOfChannel):
                while len(messages) < MOST_MESSAGES:
                    messages.append(receive.receive_nowait())
            self.idle = False
            await self._take_in(messages, last=not open_ended)
            self.idle = not self.owed

    def _patience(self) -> float:
        now = self.clock.now()
        due = self.book.tending.next()
        patience = SLICE if due is None else min(SLICE, max(0.0, due - now))
        if self.book.has_unsaved_cursors:
            patience = min(patience, CURSOR_DELAY)
        if self.owed:
            patience = min(patience, RETRY_DELAY)
        return patience

    async def _take_in(self, messages: list[Message], *, last: bool = False) -> None:
        now = self._look_at_the_clock()
        draft = Draft(self.book, now)
        for message in messages:
            if isinstance(message, Run):
                module = self._module(message.module)
                if module is not None:
                    draft.record(module, message, self.progress[module.name].last_success)
            elif isinstance(message, Announcement):
                draft.announce(message)
        draft.tend()
        draft.review()
        pings = [message for message in messages if isinstance(message, Ping)]
        timer = not messages
        if draft.changes or timer or last or pings:
            # Cursors ride along; for themselves alone they wait for the timer.
            draft.changes.cursors |= self.book.unsaved_cursors()
        await self._commit(draft.changes, bool(pings))
        self._publish(draft.changes, messages)
        for ping in pings:
            ping.committed.set()

    async def _commit(self, changes: Changes, pinged: bool) -> None:
        self.owed.update(changes)
        if not self.owed and not pinged:
            return
        try:
            await trio.to_thread.run_sync(self.ledger.commit, self.owed, limiter=self._limiter)
        except LedgerCorrupt as error:
            await self._begin_anew(error)
        except LedgerError as error:
            self._say_unwritable(error)
        else:
            self.owed = Changes()
            self._withdraw(UNWRITABLE)

    async def _begin_anew(self, error: LedgerError) -> None:
        """Set the torn file aside and write all that is known into a new one."""
        self.ledger.close()
        try:
            aside = set_aside(self.ledger.path, self.clock.now())
            ledger = Ledger(self.ledger.path)
            whole = everything(self.book)
            whole.update(self.owed)
            await trio.to_thread.run_sync(ledger.commit, whole, limiter=self._limiter)
        except (LedgerError, OSError) as failure:
            self._say_unwritable(failure)
            return
        self.ledger = ledger
        self.owed = Changes()
        self._raise(CORRUPT, f"{error}; it was set aside as {aside.name}, nothing was lost")

    def _publish(self, changes: Changes, messages: list[Message]) -> None:
        """Let the rest of the supervisor see what has been committed."""
        before = {name: self.book.alerts.get(name) for name in changes.alerts}
        self.book.adopt(changes)
        if changes.lost:
            self.book.last_loss = self.clock.now()
        for fingerprint, old in before.items():
            console.log_change(old, self.book.alerts.get(fingerprint))
        for message in messages:
            if isinstance(message, Run) and message.module in self.progress:
                self.progress[message.module].finish(message)
                self.book.confirm(message.module)
                console.log_run(message)
        self._print()
        self.changed.unpark_all()

    def _print_unprinted(self) -> None:
        if CONSOLE in self.book.peers:
            for alert in self.book.pending(CONSOLE):
                console.log_change(None, alert)
        self._print()

    def _print(self) -> None:
        """Without peers, a printed line is the delivery."""
        if CONSOLE not in self.book.peers:
            return
        now = self.clock.now()
        while batch := self.book.take_due(CONSOLE, now, 0.0, MOST_MESSAGES, 1 << 30):
            for outgoing in batch:
                self.book.delivered(CONSOLE, outgoing, now)

    def _look_at_the_clock(self) -> float:
        now = self.clock.now()
        if now < self._last_now - 1.0:
            _log.warning("the clock was set back by %.0f s", self._last_now - now)
            self.book.rewind(now)
        self._last_now = now
        return now

    def _module(self, name: str) -> Module | None:
        for module in self.book.service.modules:
            if module.name == name:
                return module
        return None

    def _say_unwritable(self, error: Exception) -> None:
        _log.error("%s; running on from memory, trying again", error)
        self._raise(UNWRITABLE, f"{error}; alerts are kept in memory until it can be written")

    def _raise(self, alertname: str, message: str | None) -> None:
        draft = Draft(self.book, self.clock.now())
        draft.announce(Announcement(alertname, "", message))
        self.owed.update(draft.changes)
        self._publish(draft.changes, [])

    def _withdraw(self, alertname: str) -> None:
        if (alertname, "") in self.book.sightings.get("supervisor", {}):
            self._raise(alertname, None)
