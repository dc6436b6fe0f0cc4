"""The only task that changes state. Runs come in and are committed, and only then do they count.

All messages that wait are committed together. When the disk cannot be written, the supervisor goes
on from memory and raises `LedgerUnwritable`. It writes what it owes when the disk can be written
again. See docs/reference/ledger.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from logging import getLogger

import trio
from attrs import define, field

from supervisor.alerts.alert import SUPERVISOR
from supervisor.alerts.self_alerts import (
    LEDGER_CORRUPT,
    LEDGER_UNWRITABLE,
    RELOAD_FAILED,
    SelfAlert,
    SelfAlertKind,
)
from supervisor.config.current import CONSOLE
from supervisor.config.service import Module, Service
from supervisor.errors import LedgerError
from supervisor.host.clock import Clock
from supervisor.ledger.changes import Changes
from supervisor.ledger.outbox import Outbox
from supervisor.ledger.store import Store
from supervisor.observations import Run
from supervisor.recorder import event_log
from supervisor.recorder.messages import Message, Ping, Reload, Remember
from supervisor.recorder.own_state import remember
from supervisor.recorder.reconcile import clock_set_back, reconcile
from supervisor.recorder.update import Update
from supervisor.recorder.writer import Writer
from supervisor.stats.module_stats import ModuleStats

MAX_MESSAGES = 500
"""Messages in one commit."""

CURSOR_DELAY = 5.0
"""Seconds for which cursors wait, so that another commit can write them."""

MAX_CONSOLE_BYTES = 1 << 30
"""Bytes of one batch for the console. In practice there is no limit."""

_log = getLogger("supervisor.ledger")


@define(eq=False, repr=False)
class Recorder:
    """Changes store and outbox. Most runs change nothing, and then the senders sleep on."""

    outbox: Outbox
    """The alerts, and what is due at the peers."""

    writer: Writer
    """Writes to the ledger."""

    clock: Clock
    """The host's clock."""

    stats: Mapping[str, ModuleStats]
    """What each module has done, by its name."""

    recorded: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)
    """Wakes tasks that show runs, after each commit."""

    changed: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)
    """Wakes the senders when alerts have changed."""

    _known_clock_steps: int = 0
    """How often the clock had been set at the last look."""

    _cursors_due: float = math.inf
    """trio's time at which cursors are written even if nothing else has changed."""

    _modules: dict[str, Module] = field(init=False)
    """The configured modules by name."""

    def __attrs_post_init__(self) -> None:
        self._apply(self.store.service)

    @property
    def store(self) -> Store:
        """The alerts."""
        return self.outbox.store

    async def record(self, receive: trio.MemoryReceiveChannel[Message]) -> None:
        """Commit what arrives until the channel is closed and empty."""
        self._print_unprinted()
        is_open = True
        while is_open:
            messages: list[Message] = []
            with trio.move_on_after(self._longest_wait()):
                try:
                    messages.append(await receive.receive())
                except trio.EndOfChannel:
                    is_open = False
            with suppress(trio.WouldBlock, trio.EndOfChannel):
                while len(messages) < MAX_MESSAGES:
                    messages.append(receive.receive_nowait())
            await self._take_in(messages, last=not is_open)

    def _apply(self, service: Service) -> None:
        self.store.config.service, self.store.config.loaded = service, self.clock.now()
        self.outbox.forget_other_peers()
        self._modules = {module.name: module for module in service.modules}

    def _longest_wait(self) -> float:
        """Return for how many seconds to wait for a message, until something else is due."""
        due, now = self.outbox.housekeeping.next(), self.clock.now()
        wait = self.clock.until_look()
        if due is not None:
            wait = min(wait, max(0.0, due - now))
        if self.outbox.cursors.has_unsaved:
            moment = trio.current_time()
            self._cursors_due = min(self._cursors_due, moment + CURSOR_DELAY)
            wait = min(wait, self._cursors_due - moment)
        return max(0.0, min(wait, self.writer.wait))

    async def _take_in(self, messages: list[Message], *, last: bool = False) -> None:
        update = Update.begin(self.outbox, self.clock.now())
        if self._was_clock_set():
            clock_set_back(update)
            self._cursors_due = -math.inf
            self.changed.unpark_all()
        for place, message in enumerate(messages):
            if isinstance(message, Run):
                module = self._modules.get(message.module)
                if module is not None:
                    last_success = self.stats[module.name].last_success
                    messages[place] = update.record(module, message, last_success)
            elif isinstance(message, SelfAlert):
                update.take_self_alert(message)
            elif isinstance(message, Remember):
                remember(update.transaction, message.key, message.value)
            elif isinstance(message, Reload):
                self._apply(message.service)
                reconcile(update)
                update.take_self_alert(SelfAlert(RELOAD_FAILED, None))
        update.housekeep()
        update.end_stale_self_alerts()
        awaited = [each for each in messages if isinstance(each, Ping | Remember)]
        if update.changes or last or awaited or trio.current_time() >= self._cursors_due:
            # A commit for cursors alone waits for `CURSOR_DELAY`.
            update.changes.cursors |= self.outbox.cursors.take_unsaved()
            self._cursors_due = math.inf
        await self._commit(update.changes, urgent=last or bool(awaited))
        self._publish(update.changes, messages)
        for each in awaited:
            each.committed.set()
        for message in messages:
            if isinstance(message, Reload):
                message.applied.set()

    async def _commit(self, changes: Changes, *, urgent: bool) -> None:
        """Commit. Raise a self-alert when the disk cannot be written, and end it later."""
        try:
            written = await self.writer.commit(changes, urgent=urgent)
        except (LedgerError, OSError) as error:
            if not self._is_raised(LEDGER_UNWRITABLE):
                _log.error("%s; running on from memory, trying again", error)
            message = f"{error}; alerts are kept in memory until it can be written"
            self._tell(LEDGER_UNWRITABLE, message)
            return
        if not written:
            return
        if self._is_raised(LEDGER_UNWRITABLE):
            self._tell(LEDGER_UNWRITABLE, None)
        if replaced := self.writer.take_replacement():
            _log.error("%s", replaced)
            self._tell(LEDGER_CORRUPT, replaced)

    def _publish(self, changes: Changes, messages: list[Message]) -> None:
        """Show what has been committed to the rest of the supervisor."""
        before = {name: self.store.alerts.get(name) for name in changes.alerts}
        self.store.adopt(changes)
        self.outbox.requeue(changes.alerts)
        if changes.lost:
            self.store.last_loss = self.clock.now()
        for fingerprint, old in before.items():
            event_log.log_change(old, self.store.alerts.get(fingerprint))
        changed = changes.concern_alerts
        for message in messages:
            if not isinstance(message, Run):
                changed = True
            elif message.module in self.stats:
                self.stats[message.module].finish(message)
                changed |= self.outbox.confirm(message.module)
                event_log.log_run(message)
        self._print()
        self.recorded.unpark_all()
        if changed:
            self.changed.unpark_all()

    def _print_unprinted(self) -> None:
        if CONSOLE in self.store.config.peers:
            for alert in self.outbox.pending(CONSOLE):
                event_log.log_change(None, alert)
        self._print()

    def _print(self) -> None:
        """Deliver to the console, if there are no peers. The line in the log is the delivery."""
        if CONSOLE not in self.store.config.peers:
            return
        now = self.clock.now()
        while batch := self.outbox.take_due(
            CONSOLE, now, 0.0, max_alerts=MAX_MESSAGES, max_bytes=MAX_CONSOLE_BYTES
        ):
            for outgoing in batch:
                self.outbox.delivered(CONSOLE, outgoing, now)

    def _was_clock_set(self) -> bool:
        """Return whether the clock was set since the last call. A sender may have noticed it."""
        if step := self.clock.was_set_by():
            self.outbox.clock_was_set(step)
        known, self._known_clock_steps = self._known_clock_steps, self.outbox.clock_steps
        if known == self._known_clock_steps:
            return False
        step = self.outbox.last_clock_step
        _log.warning("the clock was set %s by %.0f s", "back" if step < 0 else "ahead", abs(step))
        return True

    def _tell(self, kind: SelfAlertKind, message: str | None) -> None:
        """Raise or end a self-alert about the ledger. The next commit writes it."""
        update = Update.begin(self.outbox, self.clock.now())
        update.take_self_alert(SelfAlert(kind, message))
        self.writer.owed.update(update.changes)
        self._publish(update.changes, [])

    def _is_raised(self, kind: SelfAlertKind) -> bool:
        return kind.key() in self.store.sightings.get(SUPERVISOR, {})
