"""The simulated host: it starts the real daemon, ends it as hosts do, and starts it again."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from random import Random

import trio
from attrs import define, field

from supervisor.alerts.self_alerts import LEDGER_UNWRITABLE
from supervisor.config.service import Service
from supervisor.daemon.daemon import Daemon
from supervisor.daemon.environment import Environment
from supervisor.delivery.client import Client
from supervisor.errors import SupervisorError
from supervisor.host.lock import Lock
from supervisor.host.repeated_event import RepeatedEvent
from supervisor.host.state_dir import LEDGER_NAME
from supervisor.ledger.outbox import Outbox
from tests.simulation.channels import Channels
from tests.simulation.check import ScriptedCheck
from tests.simulation.chronicle import Chronicle
from tests.simulation.disk import Disk, SimulatedWorker
from tests.simulation.events import (
    ClockSet,
    Counted,
    Fed,
    LifeBegan,
    LifeEnded,
    Logged,
    RunFinished,
    ServiceRead,
    Stuck,
)
from tests.simulation.ledger_look import LedgerLook
from tests.simulation.leftovers import Leftovers
from tests.simulation.never import Never
from tests.simulation.peer import Peer, Transport
from tests.simulation.scenario import Settings
from tests.simulation.service_file import told_of
from tests.simulation.systemd import SimulatedNotifier, Unit
from tests.simulation.virtual_time import HostClock, TrueTime

RESTART_DELAY = 1.0
"""Seconds after which systemd starts it again."""

SMALL_LEDGER = 4 * 1024 * 1024
"""Bytes below which a ledger is looked at after each run."""


@define(eq=False, kw_only=True)
class Host:
    """One host with one service."""

    true: TrueTime
    clock: HostClock
    disk: Disk
    chronicle: Chronicle
    random: Random
    peers: Mapping[str, Peer]
    """All Alertmanagers that there are. The service may know only some of them."""

    channels: Channels
    settings: Settings
    service: Service
    """What the service file says now."""

    check: ScriptedCheck = field(init=False)
    daemon: Daemon | None = None
    """The running supervisor."""

    is_dead: bool = True
    """Whether the process was killed. What its tasks still do then reaches nothing."""

    look: LedgerLook | None = None
    """Sees what goes when the ledger is full. Only a small one is looked at."""

    down_for: float = RESTART_DELAY
    """Seconds from the next end to the next start."""

    ledger: str = "kept"
    """What was done to the ledger since the last life."""

    unit: Unit = field(init=False)
    """What systemd knows of the present life."""

    _how: str = ""
    _asked_at: float = 0.0
    _unsaved: bool = False
    _scope: trio.CancelScope = field(factory=trio.CancelScope)
    _stopping: trio.Event = field(factory=trio.Event)
    _reload_asked: RepeatedEvent = field(factory=RepeatedEvent)
    _leftovers: Leftovers = field(factory=Leftovers)

    def __attrs_post_init__(self) -> None:
        self.disk.die = self.kill
        self.disk.stuck = self.note_stuck
        self.clock.tell = self._note_clock_set
        self.check = ScriptedCheck(
            self.true, self.chronicle, lambda: self.is_dead, lambda: self.disk.life
        )

    @property
    def is_up(self) -> bool:
        """Whether a supervisor runs, and was not told to stop."""
        return not self.is_dead and self.daemon is not None and not self._stopping.is_set()

    # -- what is done to the process -----------------------------------------------------------

    def kill(self, how: str = "killed") -> None:
        """End the process at once, as `kill -9` or a power cut does."""
        if self.daemon is None or self.is_dead:
            return
        self.is_dead, self._how = True, how
        self._unsaved = self._owes(self.daemon)
        self._freeze()
        self.end_waits()
        self._scope.cancel()

    def end_waits(self) -> None:
        """End what nothing ends but the end of the process."""
        self.check.die()
        self.disk.died.set()

    def terminate(self) -> None:
        """Send SIGTERM."""
        if self.is_up:
            self._asked_at = trio.current_time()
            self.unit.terminate()
            self._stopping.set()

    def hang_up(self) -> None:
        """Send SIGHUP."""
        self._reload_asked.set()

    def _freeze(self) -> None:
        """Keep the files as they are now for the next life."""
        self.disk.new_life()
        self.ledger = "kept"

    async def keep_up(self) -> None:
        """Start the supervisor, and start it again whenever it has ended, as systemd does."""
        self.disk.new_life()
        try:
            while True:
                await self._live()
                self.disk.forget_last_life()
                down_for, self.down_for = self.down_for, RESTART_DELAY
                await trio.sleep(down_for)
        finally:
            self._close()

    async def _live(self) -> None:
        life = self.disk.life
        self.is_dead, self._how, self._unsaved = False, "stopped", False
        self._scope, self._stopping = trio.CancelScope(), trio.Event()
        self._reload_asked = RepeatedEvent()
        self.unit = Unit(self.settings.watchdog, self.service.stop_grace, self.kill)
        self.chronicle.tell(
            LifeBegan(life, self.true.now(), self.clock.now(), self.ledger, *told_of(self.service))
        )
        self.channels.tell_read(life, self.service)
        lock = Lock(self.disk.directory)
        try:
            lock.take()
            outbox = Outbox.of(self.service)
            self.daemon = Daemon.open(outbox, lock, self._environment())
            is_small = self.settings.max_ledger < SMALL_LEDGER
            self.look = LedgerLook(outbox.store) if is_small else None
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.unit.watch)
                with self._scope:
                    await self.daemon.run()
                nursery.cancel_scope.cancel()
        except SupervisorError as error:
            self._how = f"refused to start: {error}"
        ended = trio.current_time()
        if self.daemon is not None:
            if not self.is_dead:
                self.count()
            self._unsaved = self._unsaved or self._owes(self.daemon)
            self._leftovers.note_end(self.daemon)
        self._close()
        self.clock._forget_old_alarms()  # the clock goes on, and the process was to take them along
        lock.release()
        if not self.is_dead:
            self._freeze()
        self.daemon, self.is_dead = None, True
        taken = ended - self._asked_at if self._stopping.is_set() else 0.0
        self._tell_end(life, taken)

    def _tell_end(self, life: int, taken: float) -> None:
        self.chronicle.tell(
            LifeEnded(
                life,
                self.true.now(),
                self._how,
                taken,
                unsaved=self._unsaved,
                set_aside=len([*self.disk.directory.glob(f"{LEDGER_NAME}.corrupt-*[A-Z0-9]")]),
                left=self._leftovers.tasks(),
                descriptors=self._leftovers.descriptors(),
                kept=self._leftovers.daemons(life),
            )
        )

    def _close(self) -> None:
        """Close what the kernel closes when a process has ended."""
        if self.daemon is not None:
            self.daemon.recorder.writer.close()
            if self.daemon.local_socket.listener is not None:
                self.daemon.local_socket.listener.socket.close()

    def _environment(self) -> Environment:
        is_over = self._is_over(self.disk.life)
        return Environment(
            notifier=SimulatedNotifier("simulated", self.settings.watchdog, tell=self._note_told),
            stopping=self._stopping,
            reload_asked=self._reload_asked,
            load=self._load,
            connect=self._connect,
            find_check=self.check.find,
            clock=self.clock,
            find_sender=self.channels.of_life(self.disk.life, is_over),
            ledger_worker=SimulatedWorker("ledger", disk=self.disk, is_dead=is_over),
            jitter=self.random.random,
        )

    def _owes(self, daemon: Daemon) -> bool:
        recorder = daemon.recorder
        is_raised = recorder._is_raised(LEDGER_UNWRITABLE)  # then a commit has what was owed
        return bool(recorder.writer.owed) or recorder.writer._hangs or is_raised

    def _load(self) -> Service:
        if not self.is_dead:
            now, clock = self.true.now(), self.clock.now()
            self.chronicle.tell(ServiceRead(self.disk.life, now, *told_of(self.service), clock))
            self.channels.tell_read(self.disk.life, self.service)
        return self.service

    def _connect(self, service: Service) -> list[Client]:
        is_over = self._is_over(self.disk.life)
        return [
            Client(
                url,
                service.alertmanager,
                Transport(
                    self.peers[url],
                    is_dead=is_over,
                    never=Never(self.disk.died),
                    stuck=partial(self.note_stuck, peer=url),
                ),
            )
            for url in service.alertmanager.urls
        ]

    def _is_over(self, life: int):  # type: ignore[no-untyped-def]
        return lambda: self.is_dead or self.disk.life != life

    def _note_told(self, lines: tuple[str, ...]) -> None:
        if not self.is_dead:
            self.unit.hear(lines)
            self.chronicle.tell(Fed(self.disk.life, self.true.now(), lines))

    def note_finished(self, module: str, result: str) -> None:
        """Take down that the supervisor has shown a run as finished."""
        if not self.is_dead:
            life, now = self.disk.life, self.true.now()
            self.chronicle.tell(RunFinished(module, life, now, result))
            if self.look is not None:
                self.chronicle.tell(self.look.look(life, now, self.clock.now()))

    def note_logged(self, level: int, text: str, traceback: str) -> None:
        """Take down a warning or an error of the log."""
        if not self.is_dead:
            text = text.replace(str(self.disk.directory), "")
            self.chronicle.tell(Logged(self.disk.life, self.true.now(), level, text, traceback))

    def note_stuck(self, what: str, peer: str = "") -> None:
        """Take down that something in the supervisor waits for ever."""
        self.chronicle.tell(Stuck(self.disk.life, self.true.now(), what, peer))

    def count(self) -> None:
        """Take down the supervisor's own counters."""
        if self.daemon is None or self.is_dead:
            return
        life, now, clock = self.disk.life, self.true.now(), self.clock.now()
        for name, stats in self.daemon.stats.items():
            skipped = dict(sorted(stats.skipped.items()))
            self.chronicle.tell(
                Counted(name, life, now, clock, stats.runs, stats.failures, skipped)
            )

    def _note_clock_set(self, by: float) -> None:
        now, clock = self.true.now(), self.clock.now()
        self.chronicle.tell(ClockSet(now, clock, by, self.true.suspended))
