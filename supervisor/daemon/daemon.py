"""The nursery tree of a running supervisor; nesting order is shutdown order.

Modules stop first, then the senders, then the recorder has read everything, then the ledger
is closed. `run` is the whole life, wired to this process; the tree itself knows no signals.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from logging import getLogger
from pathlib import Path

import trio
from attrs import define, field

from supervisor.alerts.alert import SUPERVISOR, SelfAlert, State
from supervisor.alerts.self_alerts import RELOAD_FAILED
from supervisor.config.service import Service
from supervisor.control import socket_server
from supervisor.control.handlers import Handlers
from supervisor.control.snapshot import Snapshot
from supervisor.control.socket_server import LocalServer
from supervisor.daemon import status_line
from supervisor.daemon.reload import Reloader
from supervisor.delivery.tasks import PeerTasks, connect
from supervisor.errors import LedgerError
from supervisor.host import garbage_collector
from supervisor.host.clock import Clock
from supervisor.host.lock import locked
from supervisor.host.repeated_event import RepeatedEvent
from supervisor.host.signals import stop_on_signals
from supervisor.host.systemd import Notifier
from supervisor.ledger.database import Ledger, open_ledger
from supervisor.ledger.store import Store
from supervisor.modules.context_factory import ContextFactory
from supervisor.modules.loader import Check, load_check
from supervisor.modules.tasks import ModuleTasks
from supervisor.processes.command import become_subreaper, end_all_descendants
from supervisor.recorder.messages import Message
from supervisor.recorder.recorder import CORRUPT, Recorder
from supervisor.recorder.update import Draft
from supervisor.stats.module_stats import ModuleStats, fit
from supervisor.web import binding
from supervisor.web.tasks import WebTasks

CHANNEL_SIZE = 256
LAST_ACT = 0.2
MARGIN = LAST_ACT + 0.1
"""Seconds: what the hard exit takes to end descendants, and when before `stop_grace` it acts."""

STATUS_DELAY = 2.0
"""Seconds at least between two status lines."""

_log = getLogger("supervisor")


async def run(
    service: Service, state_dir: Path, notifier: Notifier, load: Callable[[], Service]
) -> None:
    """Supervise until SIGTERM or SIGINT; `load` reads the configuration anew on SIGHUP.

    Raises `SupervisorError` when it cannot start.
    """
    stopping, bell, store = trio.Event(), RepeatedEvent(), Store(service)
    become_subreaper()
    with (
        locked(state_dir),
        stop_on_signals(
            stopping,
            lambda: max(0.0, store.service.stop_grace - MARGIN),
            partial(end_all_descendants, LAST_ACT),
            bell.ring,
        ),
    ):
        daemon = Daemon.open(store, state_dir, Clock(), notifier, stopping, bell, load)
        try:
            await daemon.run()
        finally:
            daemon.recorder.ledger.close()


@define
class Daemon:
    """Everything that lives between start and stop. `stopping` is the stop trigger."""

    store: Store
    clock: Clock
    notifier: Notifier
    stopping: trio.Event
    bell: RepeatedEvent
    load: Callable[[], Service]
    recorder: Recorder
    stats: dict[str, ModuleStats]
    listener: trio.SocketListener | None = None
    web_listeners: Sequence[trio.SocketListener] = ()
    jitter: Callable[[], float] = random.random
    find_check: Callable[[str], Check] = load_check
    _briefing: ContextFactory = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._briefing = ContextFactory(self.clock, self.store, lambda: tuple(self.stats.values()))

    @classmethod
    def open(
        cls,
        store: Store,
        state_dir: Path,
        clock: Clock,
        notifier: Notifier,
        stopping: trio.Event,
        bell: RepeatedEvent,
        load: Callable[[], Service],
    ) -> Daemon:
        """Open the listeners and the ledger, and fit what that holds to the configuration."""
        web_listeners = binding.bind(store.service, binding.addresses(store.service))
        ledger, aside = open_ledger(state_dir / "ledger", store, clock.now())
        stats: dict[str, ModuleStats] = {}
        fit(stats, store.service)
        recorder = Recorder(store, ledger, clock, stats)
        listener = socket_server.bind(state_dir)
        daemon = cls(
            store,
            clock,
            notifier,
            stopping,
            bell,
            load,
            recorder,
            stats,
            listener,
            web_listeners,
        )
        daemon._take_up(ledger, aside)
        return daemon

    async def run(self) -> None:
        """Supervise until `stopping` is set, then wind down within `stop_grace`."""
        send, receive = trio.open_memory_channel[Message](CHANNEL_SIZE)
        clients = connect(self.store.service)
        async with trio.open_nursery() as pipeline:
            pipeline.start_soon(self.recorder.record, receive, name="recorder")
            with send:  # closed without a checkpoint: the recorder then reads to the end
                async with trio.open_nursery() as delivery:
                    delivery.start_soon(self.clock.watch, name="clock")
                    peer_tasks = self._peer_tasks(delivery, send)
                    peer_tasks.start(clients)
                    async with trio.open_nursery() as modules:
                        module_tasks = self._module_tasks(modules, send)
                        await module_tasks.start_missing()
                        self._say_ready()
                        garbage_collector.freeze()
                        async with trio.open_nursery() as control:
                            self._start_control(control, module_tasks, peer_tasks, send)
                            await self.stopping.wait()
                            self._say_stopping()
                            control.cancel_scope.cancel()
                        # Runs in stats may end; who only waits has returned already.
                        modules.cancel_scope.deadline = (
                            trio.current_time() + self.store.service.stop_grace / 2
                        )
                    delivery.cancel_scope.cancel()
        _log.info("stopped; what was not delivered is delivered by the next start")

    def _take_up(self, ledger: Ledger, aside: Path | None) -> None:
        """Continue where the last instance was ended."""
        now = self.clock.now()
        draft = Draft(self.store, now)
        draft.begin()
        draft.reconcile()
        corrupt = None
        if aside is not None:
            corrupt = (
                f"the ledger was corrupt and was set aside as {aside.name}; a new one is begun"
            )
            _log.error("%s", corrupt)
        draft.announce(SelfAlert(CORRUPT, "", corrupt))
        draft.changes.cursors |= self.store.unsaved_cursors()
        try:
            ledger.commit(draft.changes)
        except LedgerError:
            self.recorder.owed.update(draft.changes)  # it tries at once, and says so if it cannot
        self.store.adopt(draft.changes)
        self.store.await_confirmation(now)

    def _module_tasks(
        self, nursery: trio.Nursery, send: trio.MemorySendChannel[Message]
    ) -> ModuleTasks:
        return ModuleTasks(
            self.store,
            self.clock,
            self.stats,
            self.stopping,
            self._briefing.context,
            self.find_check,
            send,
            nursery,
        )

    def _peer_tasks(
        self, nursery: trio.Nursery, send: trio.MemorySendChannel[Message]
    ) -> PeerTasks:
        return PeerTasks(
            self.store,
            self.clock,
            self.notifier,
            send,
            self.recorder.changed,
            self.jitter,
            nursery,
        )

    def _start_control(
        self,
        nursery: trio.Nursery,
        modules: ModuleTasks,
        peers: PeerTasks,
        send: trio.MemorySendChannel[Message],
    ) -> None:
        """Start what people and systemd use to look at the others and to change them."""
        snapshot = Snapshot(
            self.store,
            self.clock,
            self.stats,
            lambda: peers.peers,
            lambda: self.recorder.ledger_bytes,
        )
        web = WebTasks(
            snapshot,
            self.recorder.recorded,
            lambda: send.statistics().current_buffer_used,
            nursery,
        )
        web.start(self.web_listeners)
        reloader = Reloader(
            self.store, self.bell, self.load, modules, peers, web, send, self.notifier
        )
        nursery.start_soon(self._tell_status, peers, name="status")
        nursery.start_soon(reloader.reload_when_asked, name="reload")
        if self.listener is not None:
            root = trio.lowlevel.current_task()
            handlers = Handlers(snapshot, modules, self.recorder.recorded, root)
            server = LocalServer(handlers.answers())
            nursery.start_soon(server.serve, self.listener, name="local socket")

    async def _tell_status(self, peers: PeerTasks) -> None:
        """Keep systemd's status line true."""
        told = ""
        while self.notifier.address:
            firing = sum(alert.state is State.FIRING for alert in self.store.alerts.values())
            waiting = max((len(self.store.pending(peer.url)) for peer in peers.peers), default=0)
            text = f"STATUS={self._enabled()} modules, {firing} firing, {waiting} to be delivered"
            text += self._complaint()
            if text != told:
                told = text
                self.notifier.notify(text)
            await self.recorder.changed.park()
            await trio.sleep(STATUS_DELAY)

    def _complaint(self) -> str:
        """Return what is said in the status of a reload that failed."""
        failed = (RELOAD_FAILED, "") in self.store.sightings.get(SUPERVISOR, {})
        return ", the last reload failed" if failed else ""

    def _enabled(self) -> int:
        return sum(module.enabled for module in self.store.service.modules)

    def _say_ready(self) -> None:
        enabled = self._enabled()
        table = status_line.start_table(
            self.stats.values(), self.store.service.timezone, self.clock.now()
        )
        target = ", ".join(self.store.service.alertmanager.urls) or "this console (no Alertmanager)"
        status = self.store.service.status
        url = status.external_url or f"http://{status.listen}/"
        page = f"; status page at {url}" if status.listen else ""
        _log.info(
            "%s: %d modules, reporting to %s%s\n%s",
            self.store.service.service,
            enabled,
            target,
            page,
            table,
        )
        self.notifier.notify("READY=1", f"STATUS={enabled} modules, reporting to {target}")

    def _say_stopping(self) -> None:
        _log.info("stopping")
        self.notifier.notify("STOPPING=1", "STATUS=stopping")
