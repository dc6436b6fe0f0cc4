"""What befalls host and peers, as the judges see it: who is well, since when, and what is in force.

Its time is the host's monotonic time: the true time without the suspends.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from attrs import define, field

from tests.simulation.events import (
    Event,
    FaultBegan,
    Fed,
    LifeBegan,
    LifeEnded,
    RunSeen,
    ServiceRead,
    Stuck,
)
from tests.simulation.faults import PEER_WEATHER
from tests.simulation.promises.windows import Windows
from tests.simulation.scenario import Scenario

CLOCK_SETTLES = 1500.0
"""Exempt: the seconds after a step of a clock. One that jumps twice in 10 min is not followed."""

DISK_SETTLES = 30.0
"""Seconds after a fault of the disk until all that was owed is written."""

VANISHED_IS_FOUND = 45.0
"""Seconds until a ledger that vanished is found and written again. A kill before that loses it."""

SHIFTED_FROM = 20.0
"""Seconds by which clocks differ when a shift may still be kept."""

FAULTS_OF_A_PEER = {*PEER_WEATHER, "peer_slow", "alertmanager_ends"}
"""Exempt: a peer need not have been told anything while it is so."""

FAULTS_OF_THE_CLOCK = {"clock_step", "drift", "suspend"}

FAULTS_OF_THE_DISK = {"disk_refuses", "disk_slow", "disk_hangs"}


@define(eq=False)
class Weather:
    """Follows the faults and the configuration."""

    scenario: Scenario

    now: float = 0.0
    """Monotonic seconds."""

    life: int = 0

    is_up: bool = False
    """Whether there is a supervisor."""

    up_since: float = 0.0

    modules: tuple[str, ...] = ()
    """The names in force."""

    peers: tuple[str, ...] = ()
    """The addresses in force."""

    read: ServiceRead | None = None
    """A service file that is about to be in force."""

    peer_errors: dict[str, float] = field(factory=dict)
    """Seconds by which clocks of peers are ahead."""

    host_error: float = 0.0
    """Seconds by which the clock of the host was ahead when it was last seen."""

    clock_settled: float = 0.0
    """When the last trouble with a clock of the host is over."""

    disk_settled: float = 0.0
    """When the last trouble with the disk is over."""

    doubtful_until: float = 0.0
    """Until when a kill may lose the ledger, since its files have vanished."""

    is_ledger_lost: bool = False
    """Whether the present life may have begun without something that was in the ledger."""

    windows: Windows = field(init=False)
    """When work is planned."""

    _well_since: dict[str, float] = field(factory=dict)
    _clock_of_peer_settled: dict[str, float] = field(factory=dict)
    _poison_until: dict[str, float] = field(factory=dict)
    _stuck: set[str] = field(factory=set)
    """Exempt: what waits for ever: senders, by their peers, and the recorder, without a name."""

    _suspended: float = 0.0
    _was_unsaved: bool = False

    def __attrs_post_init__(self) -> None:
        self.windows = Windows(ZoneInfo(self.scenario.settings.timezone))

    def hear(self, event: Event) -> None:
        """Take note of an event, before the judge does."""
        self.now = event.at - self._suspended
        if self.scenario.maintenance:
            self.windows.hear(event)
        match event:
            case FaultBegan():
                self._suffer(event)
            case RunSeen():
                self.host_error = event.clock - event.at
            case LifeBegan():
                self.life, self.is_up, self.up_since = event.life, True, self.now
                self.modules, self.peers, self.read = event.modules, event.peers, None
                self.is_ledger_lost = self._was_unsaved or event.ledger != "kept"
            case LifeEnded():
                self.is_up = False
                self._stuck.clear()
                self._was_unsaved = event.unsaved or self.now < self.doubtful_until
                self.doubtful_until = 0.0
            case Stuck():
                self._stuck.add(event.peer)
            case ServiceRead():
                self.read = event
            case Fed() if self.read is not None and "READY=1" in event.lines:
                if self.read.peers != self.peers:
                    self._well_since |= {
                        peer: max(self.now, self._well_since.get(peer, 0.0))
                        for peer in self.scenario.peers
                    }
                self.modules, self.peers, self.read = self.read.modules, self.read.peers, None

    @property
    def is_recorder_stuck(self) -> bool:
        """Whether nothing is recorded until the watchdog ends this life."""
        return "" in self._stuck

    def is_stuck(self, peer: str) -> bool:
        """Return whether the sender to a peer waits for ever."""
        return peer in self._stuck

    def well_for(self, peer: str) -> float:
        """Return for how long a peer could be told everything. Negative: it is in trouble."""
        if not self.is_up or peer not in self.peers or peer in self._stuck:
            return -1.0
        if self.read is not None and peer not in self.read.peers:
            return -1.0
        return self.now - max(
            self._well_since.get(peer, 0.0),
            self._clock_of_peer_settled.get(peer, 0.0),
            self.up_since,
            self.clock_settled,
        )

    def trouble_of(self, peer: str) -> float:
        """Return when the last trouble of a peer itself is over."""
        return max(
            self._well_since.get(peer, 0.0),
            self._clock_of_peer_settled.get(peer, 0.0),
            self._poison_until.get(peer, 0.0),
        )

    def are_clocks_right(self, peer: str) -> bool:
        """Return whether host and peer have the same time, and have had it for long."""
        settled = max(self.clock_settled, self._clock_of_peer_settled.get(peer, 0.0))
        return self.now > settled

    def is_shifted(self, peer: str) -> bool:
        """Return whether times may be shifted for the peer's clock."""
        return abs(self.host_error - self.peer_errors.get(peer, 0.0)) > SHIFTED_FROM

    def is_poisoned(self, peer: str, instance: str) -> bool:
        """Return whether a peer does not take alerts of an instance now."""
        return instance.startswith("i0") and self.now < self._poison_until.get(peer, 0.0)

    def now_at(self, peer: str, at: float) -> float:
        """Return a true time as the peer's clock shows it."""
        return at + self.peer_errors.get(peer, 0.0)

    def _suffer(self, fault: FaultBegan) -> None:
        until, peer = self.now + fault.seconds, fault.target
        match fault.kind:
            case kind if kind in FAULTS_OF_A_PEER:
                self._well_since[peer] = max(self._well_since.get(peer, 0.0), until)
            case "poison":
                self._poison_until[peer] = max(self._poison_until.get(peer, 0.0), until)
            case "peer_lies":
                settled = max(self._clock_of_peer_settled.get(peer, 0.0), until + CLOCK_SETTLES)
                self._clock_of_peer_settled[peer] = settled
            case "suspend":
                self._suspended += fault.seconds
                self.clock_settled = max(self.clock_settled, self.now + CLOCK_SETTLES)
                self.now = fault.at - self._suspended + fault.seconds
            case kind if kind in FAULTS_OF_THE_CLOCK:
                self.clock_settled = max(self.clock_settled, until + CLOCK_SETTLES)
            case kind if kind in FAULTS_OF_THE_DISK:
                self.disk_settled = max(self.disk_settled, until + DISK_SETTLES)
            case "ledger_vanishes":
                # A disk that is in trouble may keep it from being written again.
                found = max(self.now, self.disk_settled) + VANISHED_IS_FOUND
                self.doubtful_until = max(self.doubtful_until, found) if self.is_up else 0.0
