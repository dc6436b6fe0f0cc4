"""The one task that changes the store: runs come in, are committed, and only then count.

All messages that wait are committed together. When the disk refuses, the supervisor goes on
from memory, says so, and writes what is owed as soon as the disk takes it again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from logging import getLogger
from pathlib import Path

import trio
from attrs import define, field

from supervisor.alerts.alert import CONSOLE, SUPERVISOR, SelfAlert
from supervisor.alerts.self_alerts import RELOAD_FAILED
from supervisor.config.service import Module, Service
from supervisor.errors import LedgerCorrupt, LedgerError
from supervisor.host.clock import SLICE, Clock
from supervisor.ledger.database import Ledger, everything, files_of, set_aside
from supervisor.ledger.store import Changes, Store
from supervisor.observations import Run
from supervisor.recorder import event_log
from supervisor.recorder.messages import Message, Ping, Reload
from supervisor.recorder.update import Draft
from supervisor.stats.module_stats import ModuleStats

MOST_MESSAGES = 500
CURSOR_DELAY = 5.0
RETRY_DELAY = 5.0
"""Seconds: how long cursors wait for another commit, and how soon a refused one is tried again."""

UNWRITABLE = "LedgerUnwritable"
CORRUPT = "LedgerCorrupt"

_log = getLogger("supervisor.ledger")


@define
class Recorder:
    """Owns the store and its ledger. `recorded` wakes who shows runs, `changed` the senders.

    Most runs change nothing: then the senders sleep on.
    `owed` has been published but not written; `_cursors_due` and `_retry_at` are trio's times.
    """

    store: Store
    ledger: Ledger
    clock: Clock
    stats: Mapping[str, ModuleStats]
    recorded: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)
    changed: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)
    owed: Changes = field(factory=Changes)
    ledger_bytes: int = 0
    _limiter: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1))
    _steps: int = 0
    _cursors_due: float = math.inf
    _retry_at: float = -math.inf
    _torn: str = ""
    _aside: Path | None = None
    _modules: dict[str, Module] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._serve(self.store.service)

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
            await self._take_in(messages, last=not open_ended)

    def _serve(self, service: Service) -> None:
        self.store.serve(service)
        self._modules = {module.name: module for module in service.modules}

    def _patience(self) -> float:
        now = self.clock.now()
        due = self.store.tending.next()
        patience = SLICE if due is None else min(SLICE, max(0.0, due - now))
        moment = trio.current_time()
        if self.store.has_unsaved_cursors:
            self._cursors_due = min(self._cursors_due, moment + CURSOR_DELAY)
            patience = min(patience, self._cursors_due - moment)
        if self.owed:
            patience = min(patience, self._retry_at - moment)
        return max(0.0, patience)

    async def _take_in(self, messages: list[Message], *, last: bool = False) -> None:
        draft = Draft(self.store, self.clock.now())
        if self._was_clock_set():
            draft.rewind()
            self._cursors_due = -math.inf
            self.changed.unpark_all()
        for message in messages:
            if isinstance(message, Run):
                module = self._modules.get(message.module)
                if module is not None:
                    draft.record(module, message, self.stats[module.name].last_success)
            elif isinstance(message, SelfAlert):
                draft.announce(message)
            elif isinstance(message, Reload):
                self._serve(message.service)
                draft.reconcile()
                draft.announce(SelfAlert(RELOAD_FAILED, "", None))
        draft.tend()
        draft.review()
        pings = [message for message in messages if isinstance(message, Ping)]
        if draft.changes or last or pings or trio.current_time() >= self._cursors_due:
            # Cursors ride along; for themselves alone they wait a while.
            draft.changes.cursors |= self.store.unsaved_cursors()
            self._cursors_due = math.inf
        await self._commit(draft.changes, urgent=last or bool(pings))
        self._publish(draft.changes, messages)
        for message in messages:
            if isinstance(message, Ping):
                message.committed.set()
            elif isinstance(message, Reload):
                message.applied.set()

    async def _commit(self, changes: Changes, *, urgent: bool) -> None:
        """Write what is owed; a disk that has refused is left alone for a while."""
        self.owed.update(changes)
        if not urgent and (not self.owed or trio.current_time() < self._retry_at):
            return
        try:
            await self._write(changes)
        except (LedgerError, OSError) as error:
            self._retry_at = trio.current_time() + RETRY_DELAY
            self._say_unwritable(error)
            return
        self.owed = Changes()
        self._retry_at = -math.inf
        self._withdraw(UNWRITABLE)
        if self._torn and self._aside:
            message = f"{self._torn}; it was set aside as {self._aside.name}, nothing was lost"
            self._torn, self._aside = "", None
            _log.error("%s", message)
            self._raise(CORRUPT, message)

    async def _write(self, changes: Changes) -> None:
        try:
            if not self._torn:
                self.ledger_bytes = await trio.to_thread.run_sync(
                    _commit, self.ledger, self.owed, limiter=self._limiter
                )
        except LedgerCorrupt as error:
            self._torn = str(error)
            self.ledger.close()
        if self._torn:
            await self._begin_anew(changes)

    async def _begin_anew(self, changes: Changes) -> None:
        """Set the torn file aside, and write all that is known into a new one."""
        path = self.ledger.path
        if self._aside is None:
            now = self.clock.now()
            self._aside = await trio.to_thread.run_sync(set_aside, path, now, limiter=self._limiter)
        whole = everything(self.store)
        whole.update(changes)
        self.ledger = await trio.to_thread.run_sync(_new_ledger, path, whole, limiter=self._limiter)

    def _publish(self, changes: Changes, messages: list[Message]) -> None:
        """Let the rest of the supervisor see what has been committed."""
        before = {name: self.store.alerts.get(name) for name in changes.alerts}
        self.store.adopt(changes)
        if changes.lost:
            self.store.last_loss = self.clock.now()
        for fingerprint, old in before.items():
            event_log.log_change(old, self.store.alerts.get(fingerprint))
        changed = bool(changes)
        for message in messages:
            if not isinstance(message, Run):
                changed = True
            elif message.module in self.stats:
                self.stats[message.module].finish(message)
                changed |= self.store.confirm(message.module)
                event_log.log_run(message)
        self._print()
        self.recorded.unpark_all()
        if changed:
            self.changed.unpark_all()

    def _print_unprinted(self) -> None:
        if CONSOLE in self.store.peers:
            for alert in self.store.pending(CONSOLE):
                event_log.log_change(None, alert)
        self._print()

    def _print(self) -> None:
        """Without peers, a printed line is the delivery."""
        if CONSOLE not in self.store.peers:
            return
        now = self.clock.now()
        while batch := self.store.take_due(CONSOLE, now, 0.0, MOST_MESSAGES, 1 << 30):
            for outgoing in batch:
                self.store.delivered(CONSOLE, outgoing, now)

    def _was_clock_set(self) -> bool:
        """Return whether it was since the last call, noticed here or by a sender."""
        if step := self.clock.was_set_by():
            self.store.adjust(step)
        known, self._steps = self._steps, self.store.steps
        if known == self.store.steps:
            return False
        step = self.store.last_step
        _log.warning("the clock was set %s by %.0f s", "back" if step < 0 else "ahead", abs(step))
        return True

    def _say_unwritable(self, error: Exception) -> None:
        if not self._stands(UNWRITABLE):
            _log.error("%s; running on from memory, trying again", error)
        self._raise(UNWRITABLE, f"{error}; alerts are kept in memory until it can be written")

    def _raise(self, alertname: str, message: str | None) -> None:
        draft = Draft(self.store, self.clock.now())
        draft.announce(SelfAlert(alertname, "", message))
        self.owed.update(draft.changes)
        self._publish(draft.changes, [])

    def _withdraw(self, alertname: str) -> None:
        if self._stands(alertname):
            self._raise(alertname, None)

    def _stands(self, alertname: str) -> bool:
        return (alertname, "") in self.store.sightings.get(SUPERVISOR, {})


def _commit(ledger: Ledger, changes: Changes) -> int:
    """Write the changes and return the bytes that the ledger then takes on disk."""
    ledger.commit(changes)
    return ledger.size()


def _new_ledger(path: Path, whole: Changes) -> Ledger:
    """Return a new ledger that holds the whole store; what cannot be finished is removed."""
    ledger = None
    try:
        ledger = Ledger(path)
        ledger.commit(whole)
    except LedgerError:
        if ledger is not None:
            ledger.close()
        with suppress(OSError):
            for file in files_of(path):
                file.unlink(missing_ok=True)
        raise
    return ledger
