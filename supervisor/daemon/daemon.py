"""The tree of nurseries of a running supervisor. The order of nesting is the order of shutdown.

The modules stop first, and then the senders. Then the recorder reads what is left, and the ledger
is closed. `run` connects all this to the signals of the process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from logging import getLogger
from pathlib import Path
from typing import TYPE_CHECKING, Self

import trio
from attrs import define, field

from supervisor.config.service import Service
from supervisor.control.handlers import Handlers
from supervisor.control.snapshot import Snapshot
from supervisor.control.socket_server import LocalServer, LocalSocket
from supervisor.daemon.environment import Environment
from supervisor.daemon.reload import Reloader
from supervisor.daemon.resume import resume
from supervisor.daemon.standings import make_standings
from supervisor.daemon.status_line import StatusLine
from supervisor.daemon.watchdog import feed_watchdog
from supervisor.delivery.silences.waiting import WaitingSilences
from supervisor.delivery.tasks import PeerTasks
from supervisor.host import garbage_collector
from supervisor.host.lock import Lock, locked
from supervisor.host.repeated_event import RepeatedEvent
from supervisor.host.signals import stop_on_signals
from supervisor.host.state_dir import LEDGER_NAME
from supervisor.host.systemd import Notifier
from supervisor.host.threads import load_thread_exit
from supervisor.ledger.database import open_ledger
from supervisor.ledger.outbox import Outbox
from supervisor.ledger.store import Store
from supervisor.modules.context_factory import ContextFactory
from supervisor.modules.overdue import OverdueRuns
from supervisor.modules.tasks import ModuleTasks
from supervisor.processes.command import become_subreaper, end_all_descendants
from supervisor.processes.init import reap_strangers
from supervisor.recorder.messages import Message
from supervisor.recorder.recorder import Recorder
from supervisor.recorder.writer import Writer
from supervisor.stats.module_stats import ModuleStats, fit
from supervisor.web import binding
from supervisor.web.tasks import WebTasks

if TYPE_CHECKING:
    from supervisor.delivery.client import Client

CHANNEL_SIZE = 256
"""Messages that can wait for the recorder."""

END_DESCENDANTS_TIMEOUT = 0.2
"""Seconds for which a forced exit waits until all descendants have ended."""

FORCED_EXIT_MARGIN = END_DESCENDANTS_TIMEOUT + 0.1
"""Seconds before the end of `stop_grace` at which the exit is forced."""

_log = getLogger("supervisor")


async def run(
    service: Service, state_dir: Path, notifier: Notifier, load: Callable[[], Service]
) -> None:
    """Supervise until SIGTERM or SIGINT. On SIGHUP, `load` reads the service file again.

    Raises `SupervisorError` when it cannot start.
    """
    stopping, reload_asked, outbox = trio.Event(), RepeatedEvent(), Outbox.of(service)
    load_thread_exit()
    become_subreaper()
    with (
        locked(state_dir) as lock,
        stop_on_signals(
            stopping,
            lambda: max(0.0, outbox.store.service.stop_grace - FORCED_EXIT_MARGIN),
            partial(end_all_descendants, END_DESCENDANTS_TIMEOUT),
            reload_asked.set,
        ),
    ):
        environment = Environment(
            notifier=notifier, stopping=stopping, reload_asked=reload_asked, load=load
        )
        daemon = Daemon.open(outbox, lock, environment)
        try:
            await daemon.run()
        finally:
            daemon.recorder.writer.close()


@define(eq=False, repr=False, kw_only=True)
class Daemon:
    """Everything that lives between start and stop."""

    outbox: Outbox
    """The alerts, and what must be sent."""

    environment: Environment
    """What lies outside: clock, signals, systemd, peers and checks."""

    recorder: Recorder
    """Commits what the modules have seen."""

    stats: dict[str, ModuleStats]
    """What each module has done, by its name."""

    local_socket: LocalSocket
    """The local socket of `status`, `run-now`, `reload`, `diff` and `tree`."""

    web_listeners: Sequence[trio.SocketListener] = ()
    """The sockets of the status page."""

    _context_factory: ContextFactory = field(init=False)
    """Makes the context of each run."""

    _status_line: StatusLine = field(init=False)
    """Tells people and systemd how the supervisor is."""

    _overdue: OverdueRuns = field(factory=OverdueRuns, init=False)
    """Reports runs that do not end."""

    _send: trio.MemorySendChannel[Message] = field(init=False)
    """Takes what the recorder must commit."""

    _receive: trio.MemoryReceiveChannel[Message] = field(init=False)
    """Where the recorder reads."""

    def __attrs_post_init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel(CHANNEL_SIZE)
        self._context_factory = ContextFactory(
            self.environment.clock,
            self.store,
            lambda: tuple(self.stats.values()),
            lambda: self.recorder.writer.is_idle,
        )
        self._status_line = StatusLine(self.outbox, self.environment.notifier, self.stats)

    @property
    def store(self) -> Store:
        """The alerts."""
        return self.outbox.store

    @classmethod
    def open(cls, outbox: Outbox, lock: Lock, environment: Environment) -> Self:
        """Open the listeners and the ledger, and adapt its alerts to the configuration."""
        service, clock = outbox.store.service, environment.clock
        web_listeners = binding.bind(service, binding.addresses(service))
        opened = open_ledger(lock.directory / LEDGER_NAME, clock.now())
        outbox.restore(opened.contents)
        stats: dict[str, ModuleStats] = {}
        fit(stats, service)
        writer = Writer(opened.ledger, outbox, clock, lock=lock, worker=environment.ledger_worker)
        writer.start()
        recorder = Recorder(outbox, writer, clock, stats)
        local_socket = LocalSocket(lock).bind()
        resume(opened, outbox, recorder.writer, clock.now())
        return cls(
            outbox=outbox,
            environment=environment,
            recorder=recorder,
            stats=stats,
            local_socket=local_socket,
            web_listeners=web_listeners,
        )

    async def run(self) -> None:
        """Supervise until `stopping` is set. Then stop within `stop_grace`."""
        clients = self.environment.connect(self.store.service)
        async with trio.open_nursery() as pipeline:
            pipeline.start_soon(self.recorder.record, self._receive, name="recorder")
            with self._send:  # closed without a checkpoint, so that the recorder reads to the end
                async with trio.open_nursery() as delivery:
                    delivery.start_soon(self.environment.clock.watch, name="clock")
                    delivery.start_soon(reap_strangers, name="init")
                    delivery.start_soon(self._overdue.watch, name="overdue runs")
                    peer_tasks = self._peer_tasks(delivery)
                    peer_tasks.start(clients)
                    peer_tasks.fallback.apply()
                    self._start_watchdog(delivery, peer_tasks)
                    async with trio.open_nursery() as modules:
                        module_tasks = self._module_tasks(modules)
                        await module_tasks.start_missing()
                        self._status_line.say_ready(
                            self.stats.values(), self.environment.clock.now()
                        )
                        garbage_collector.freeze()
                        async with trio.open_nursery() as control:
                            self._start_control(control, module_tasks, peer_tasks)
                            await self.environment.stopping.wait()
                            self._status_line.say_stopping()
                            self.environment.clock.rouse_all()
                            control.cancel_scope.cancel()
                        # Runs in progress may end; a module that only waits has returned already.
                        modules.cancel_scope.deadline = (
                            trio.current_time() + self.store.service.stop_grace / 2
                        )
                    delivery.cancel_scope.cancel()
        owed = "; what was not delivered is delivered by the next start"
        _log.info("stopped%s", owed if self.store.service.alertmanager.urls else "")

    def _connect(self) -> Sequence[Client]:
        """Return new clients of the present peers."""
        return self.environment.connect(self.store.service)

    def _module_tasks(self, nursery: trio.Nursery) -> ModuleTasks:
        return ModuleTasks(
            store=self.store,
            clock=self.environment.clock,
            stats=self.stats,
            stopping=self.environment.stopping,
            make_context=self._context_factory.context,
            overdue=self._overdue,
            find_check=self.environment.find_check,
            send=self._send,
            nursery=nursery,
        )

    def _start_watchdog(self, nursery: trio.Nursery, peers: PeerTasks) -> None:
        feed = partial(feed_watchdog, clock=self.environment.clock)
        nursery.start_soon(
            feed,
            self.environment.notifier,
            self._send,
            lambda: peers.peers,
            lambda: self.store.service.alertmanager.timeout,
            name="watchdog",
        )

    def _peer_tasks(self, nursery: trio.Nursery) -> PeerTasks:
        return PeerTasks(
            outbox=self.outbox,
            clock=self.environment.clock,
            send=self._send,
            changed=self.recorder.changed,
            jitter=self.environment.jitter,
            waiting=WaitingSilences.of(self.local_socket.lock.directory),
            find_sender=self.environment.find_sender,
            nursery=nursery,
        )

    def _start_control(self, nursery: trio.Nursery, modules: ModuleTasks, peers: PeerTasks) -> None:
        """Start status page, local socket, status line and reload."""
        snapshot = Snapshot(
            outbox=self.outbox,
            clock=self.environment.clock,
            stats=self.stats,
            peers=lambda: peers.peers,
            fallback=lambda: peers.fallback.last_resort,
            ledger_bytes=lambda: self.recorder.writer.size,
            find_standings=partial(
                make_standings, self.store, peers, self._connect, self.environment.clock
            ),
        )
        web = WebTasks(
            snapshot,
            self.recorder.recorded,
            lambda: self._send.statistics().current_buffer_used,
            nursery,
        )
        web.start(self.web_listeners)
        reloader = Reloader(
            config=self.store.config,
            asked=self.environment.reload_asked,
            load=self.environment.load,
            connect=self.environment.connect,
            modules=modules,
            peers=peers,
            web=web,
            send=self._send,
            notifier=self.environment.notifier,
        )
        nursery.start_soon(
            self._status_line.keep_up_to_date,
            lambda: peers.peers,
            self.recorder.changed,
            name="status",
        )
        nursery.start_soon(reloader.reload_when_asked, name="reload")
        handlers = Handlers(
            snapshot,
            modules,
            self.recorder.recorded,
            trio.lowlevel.current_task(),
            reloads={"reload": reloader.reload, "diff": reloader.preview},
            connect=self._connect,
            waiting=peers.waiting,
        )
        server = LocalServer(handlers.by_name(), self.environment.clock)
        worker = self.recorder.writer.worker
        nursery.start_soon(server.keep, self.local_socket, worker, name="local socket")
