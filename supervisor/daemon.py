"""The nursery tree of a running supervisor; nesting order is shutdown order.

Modules stop first, then the senders, then the recorder has read everything, then the ledger
is closed. `run` is the whole life, wired to this process; the tree itself knows no signals.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from logging import getLogger
from pathlib import Path

import trio
from attrs import define, field

from supervisor import console
from supervisor.alertmanager import Client
from supervisor.book import Book
from supervisor.briefing import Briefing
from supervisor.clock import Clock
from supervisor.draft import Draft
from supervisor.ledger import Ledger, open_ledger
from supervisor.loader import Check, load_check
from supervisor.lock import locked
from supervisor.model import Announcement, State
from supervisor.own import HEARTBEAT
from supervisor.process import become_subreaper, end_all_descendants
from supervisor.progress import Progress
from supervisor.recorder import CORRUPT, Message, Recorder
from supervisor.runner import Runner, first_run
from supervisor.schedule import Schedule, build, missed
from supervisor.sender import Peer, Sender
from supervisor.service import Module, Service
from supervisor.signals import stop_on_signals
from supervisor.systemd import Notifier
from supervisor.watchdog import feed_watchdog

CHANNEL_SIZE = 256
LAST_ACT = 0.2
MARGIN = LAST_ACT + 0.1
"""Seconds: what the hard exit takes to end descendants, and when before `stop_grace` it acts."""

STATUS_DELAY = 2.0
"""Seconds at least between two status lines."""

_log = getLogger("supervisor")


async def run(service: Service, state_dir: Path, notifier: Notifier) -> None:
    """Supervise until SIGTERM or SIGINT. Raises `SupervisorError` when it cannot start."""
    stopping = trio.Event()
    become_subreaper()
    with (
        locked(state_dir),
        stop_on_signals(
            stopping,
            lambda: max(0.0, service.stop_grace - MARGIN),
            partial(end_all_descendants, LAST_ACT),
        ),
    ):
        daemon = Daemon.open(service, state_dir, Clock(), notifier, stopping)
        try:
            await daemon.run()
        finally:
            daemon.recorder.ledger.close()


@define
class Daemon:
    """Everything that lives between start and stop. `stopping` is the stop trigger."""

    service: Service
    clock: Clock
    notifier: Notifier
    stopping: trio.Event
    book: Book
    recorder: Recorder
    progress: dict[str, Progress]
    peers: tuple[Peer, ...]
    jitter: Callable[[], float] = random.random
    find_check: Callable[[str], Check] = load_check
    _briefing: Briefing = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._briefing = Briefing(
            self.service, self.clock, self.book, lambda: tuple(self.progress.values())
        )

    @classmethod
    def open(
        cls,
        service: Service,
        state_dir: Path,
        clock: Clock,
        notifier: Notifier,
        stopping: trio.Event,
    ) -> Daemon:
        """Open the ledger and fit what it holds to the configuration."""
        book = Book(service)
        ledger, aside = open_ledger(state_dir / "ledger", book, clock.now())
        progress = {module.name: Progress(module.name, module.check) for module in service.modules}
        recorder = Recorder(book, ledger, clock, progress)
        peers = tuple(Peer(url) for url in service.alertmanager.urls)
        daemon = cls(service, clock, notifier, stopping, book, recorder, progress, peers)
        daemon._take_up(ledger, aside)
        return daemon

    async def run(self) -> None:
        """Supervise until `stopping` is set, then wind down within `stop_grace`."""
        send, receive = trio.open_memory_channel[Message](CHANNEL_SIZE)
        async with trio.open_nursery() as pipeline:
            pipeline.start_soon(self.recorder.record, receive, name="recorder")
            with send:  # closed without a checkpoint: the recorder then reads to the end
                async with AsyncExitStack() as clients, trio.open_nursery() as delivery:
                    await self._start_senders(delivery, clients, send)
                    async with trio.open_nursery() as modules:
                        await self._start_modules(modules, send)
                        self._say_ready()
                        delivery.start_soon(self._feed_watchdog, send, name="watchdog")
                        delivery.start_soon(self._tell_status, name="status")
                        await self.stopping.wait()
                        self._say_stopping()
                        # Runs in progress may end; who only waits has returned already.
                        modules.cancel_scope.deadline = (
                            trio.current_time() + self.service.stop_grace / 2
                        )
                    delivery.cancel_scope.cancel()
        _log.info("stopped; what was not delivered is delivered by the next start")

    def _take_up(self, ledger: Ledger, aside: Path | None) -> None:
        """Continue where the last instance was ended."""
        now = self.clock.now()
        self.book.forget_other_peers()
        draft = Draft(self.book, now)
        draft.reconcile()
        corrupt = None
        if aside is not None:
            corrupt = (
                f"the ledger was corrupt and was set aside as {aside.name}; a new one is begun"
            )
            _log.error("%s", corrupt)
        draft.announce(Announcement(CORRUPT, "", corrupt))
        if self.service.heartbeat:
            text = "the supervisor is alive; its silence is the alarm"
            draft.announce(Announcement(HEARTBEAT, "", text, event_type="I"))
        draft.changes.cursors |= self.book.unsaved_cursors()
        ledger.commit(draft.changes)
        self.book.adopt(draft.changes)
        self.book.await_confirmation(now)

    async def _start_senders(
        self,
        nursery: trio.Nursery,
        clients: AsyncExitStack,
        send: trio.MemorySendChannel[Message],
    ) -> None:
        for peer in self.peers:
            client = await clients.enter_async_context(Client(peer.url, self.service.alertmanager))
            sender = Sender(
                peer, client, self.book, self.clock, send, self.recorder.changed, self.jitter
            )
            nursery.start_soon(sender.deliver, name=f"sender {peer.url}")

    async def _start_modules(
        self, nursery: trio.Nursery, send: trio.MemorySendChannel[Message]
    ) -> None:
        schedules = build(
            self.service.modules,  # the disabled, too: enabling one then moves no other
            service=self.service.service,
            host=self.service.labels["host"],
            timezone=self.service.timezone,
        )
        now = self.clock.now()
        for module in self.service.modules:
            if module.enabled:
                await self._start_module(nursery, module, schedules[module.name], now, send)
            else:
                self.progress[module.name].state = "disabled"

    async def _start_module(
        self,
        nursery: trio.Nursery,
        module: Module,
        schedule: Schedule,
        now: float,
        send: trio.MemorySendChannel[Message],
    ) -> None:
        runner = Runner(
            module,
            self.find_check(module.check),
            schedule,
            self.clock,
            self.progress[module.name],
            self.stopping,
            self._briefing.context,
            send,
            now,
        )
        record = self.book.modules.get(module.name)
        overdue = missed(schedule, record.last_scheduled if record else None, now, module.catch_up)
        await nursery.start(
            runner.supervise, first_run(schedule, overdue, now), name=f"module {module.name}"
        )

    async def _feed_watchdog(self, send: trio.MemorySendChannel[Message]) -> None:
        await feed_watchdog(self.notifier, send, self.peers, self.service.alertmanager.timeout)

    async def _tell_status(self) -> None:
        """Keep systemd's status line true."""
        told = ""
        while self.notifier.address:
            firing = sum(alert.state is State.FIRING for alert in self.book.alerts.values())
            waiting = max((len(self.book.pending(peer.url)) for peer in self.peers), default=0)
            text = f"STATUS={self._enabled()} modules, {firing} firing, {waiting} to be delivered"
            if text != told:
                told = text
                self.notifier.notify(text)
            await self.recorder.changed.park()
            await trio.sleep(STATUS_DELAY)

    def _enabled(self) -> int:
        return sum(module.enabled for module in self.service.modules)

    def _say_ready(self) -> None:
        enabled = self._enabled()
        table = console.start_table(self.progress.values(), self.service.timezone, self.clock.now())
        target = ", ".join(self.service.alertmanager.urls) or "this console (no Alertmanager)"
        _log.info(
            "%s: %d modules, reporting to %s\n%s", self.service.service, enabled, target, table
        )
        if self.service.status.listen:
            _log.warning("status.listen is set, but this version has no HTTP listener yet")
        self.notifier.notify("READY=1", f"STATUS={enabled} modules, reporting to {target}")

    def _say_stopping(self) -> None:
        _log.info("stopping")
        self.notifier.notify("STOPPING=1", "STATUS=stopping")
