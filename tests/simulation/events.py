"""What happens in a simulated world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from attrs import frozen

from tests.simulation.jobs.events import JobActed, JobsBegan, JobsSeen
from tests.simulation.messages import FallbackRead, MessageBegan, MessageEnded, MessageTaken
from tests.simulation.scenario import Planned


@frozen
class RunSeen:
    """A run of a check, as the check itself has seen it."""

    module: str
    life: int
    number: int
    """Counts all runs in this world."""
    after: int
    """The number of the module's last run that the ledger knew of; 0 if there was none."""
    at: float
    """True Unix seconds."""
    clock: float
    """Unix seconds, as the host saw them."""
    conditions: Mapping[str, tuple[str, str]]
    """Event type and message, by instance."""
    reports: tuple[str, ...] = ()
    outcome: str = "ok"
    """What the check did: `ok`, or the kind of its fault, such as `hang`."""


@frozen
class RunEnded:
    """A run of a check has ended, in whatever way."""

    module: str
    life: int
    at: float
    clock: float
    """Unix seconds, as the host saw them."""


@frozen
class RunFinished:
    """The supervisor has shown a run as finished: it is in the ledger."""

    module: str
    life: int
    at: float
    result: str


@frozen
class LedgerSeen:
    """What the alerts of a small ledger came to after a finished run."""

    life: int
    at: float
    size: int
    """Bytes of all alerts but those that are kept even without room."""
    count: int
    """How many alerts there are."""
    lost: int
    """How many alerts were lost since the supervisor was started, for whatever reason."""
    gone: tuple[tuple[str, str, str, str], ...]
    """What is no longer there since the last look: state, module, alertname, instance."""
    kept: tuple[str, ...]
    """The states of what was there then, and still is, in the same state."""


@frozen
class Timed:
    """What the service file says of the time of a module."""

    name: str
    every: float | None
    at: tuple[str, ...]
    catch_up: float
    enabled: bool


@frozen
class LifeBegan:
    """The supervisor was started."""

    life: int
    at: float
    clock: float
    ledger: str
    """What the disk did to the ledger since the last life: `kept`, `torn`, `older`, `gone` …"""
    modules: tuple[str, ...] = ()
    """The names in the service file."""
    peers: tuple[str, ...] = ()
    """The addresses in the service file."""
    timetable: tuple[Timed, ...] = ()
    """Of all modules in the service file, in its order."""
    maintenance: tuple[Planned, ...] = ()
    """The windows in the service file."""


@frozen
class ServiceRead:
    """The supervisor has read the service file again. It tells `READY=1` when that is in force."""

    life: int
    at: float
    modules: tuple[str, ...]
    """The names in it."""
    peers: tuple[str, ...]
    """The addresses in it."""
    timetable: tuple[Timed, ...]
    """Of all modules in it, in its order."""
    maintenance: tuple[Planned, ...]
    """The windows in it."""
    clock: float
    """Unix seconds, as the host saw them."""


@frozen
class LifeEnded:
    """The supervisor has ended."""

    life: int
    at: float
    how: str
    """`killed`, `stopped`, `forced` (the stop took too long), `watchdog`, `refused to start …`."""
    seconds: float = 0.0
    """From SIGTERM to the end."""
    unsaved: bool = False
    """Whether it still owed the disk something, since the disk did not take it."""
    set_aside: int = 0
    """How many damaged ledgers there are in the state directory."""
    left: tuple[str, ...] = ()
    """Tasks of it that go on."""
    descriptors: int = 0
    """How many more are open than before the first life."""
    kept: int = 0
    """How many supervisors of earlier lives are still in memory."""


@frozen
class Counted:
    """The supervisor's own counters of a module: once a day, and when it ends."""

    module: str
    life: int
    at: float
    clock: float
    """Unix seconds, as the host saw them."""
    runs: int
    failures: int
    skipped: Mapping[str, int]
    """By reason."""


@frozen
class ClockSet:
    """The host's clock went another way than its monotonic clock: it was set, or suspended."""

    at: float
    clock: float
    """What it shows afterwards, in Unix seconds."""
    by: float
    """By how many seconds."""
    suspended: float
    """For how many seconds the host was suspended so far."""


@frozen
class Stuck:
    """Something in the supervisor waits for ever. systemd has to end it."""

    life: int
    at: float
    what: str
    peer: str = ""
    """The peer to which nothing is sent any more. Empty if it is the recorder that waits."""


@frozen
class Logged:
    """The supervisor has logged a warning or an error."""

    life: int
    at: float
    level: int
    text: str
    traceback: str
    """The name of the exception whose traceback is in the log. Empty if there is none."""


@frozen
class Posted:
    """A peer was sent an alert."""

    peer: str
    at: float
    alert: Mapping[str, Any]
    """As in JSON."""
    taken: bool
    """Whether the peer kept it, whatever it answered."""
    answered: bool
    """Whether it said so."""
    starts: float
    """Its `startsAt` in true Unix seconds, however wrong the peer's clock is."""
    ends: float
    """Its `endsAt`, in the same way. The alert fires if this is later than `at`."""
    refused: bool = False
    """Whether it said that it does not want this alert."""


@frozen
class Failed:
    """A peer in bad weather, or one that is down, has met a POST."""

    peer: str
    at: float
    began: float
    """When the request came."""
    how: str
    """As in `Peer.weather`, or `down`."""


@frozen
class Notified:
    """A peer has notified of a group of alerts."""

    peer: str
    at: float
    notification: Any


@frozen
class Fed:
    """systemd was told something: `READY=1`, `WATCHDOG=1` …"""

    life: int
    at: float
    lines: tuple[str, ...]


@frozen
class FaultBegan:
    """A fault of the scenario has begun."""

    at: float
    kind: str
    target: str
    seconds: float
    amount: float


@frozen
class Reloaded:
    """The service file was changed, and the supervisor was told."""

    life: int
    at: float
    what: str


Event: TypeAlias = (
    RunSeen
    | RunEnded
    | RunFinished
    | LedgerSeen
    | LifeBegan
    | LifeEnded
    | Counted
    | ClockSet
    | Stuck
    | Logged
    | Posted
    | Failed
    | Notified
    | Fed
    | FaultBegan
    | Reloaded
    | ServiceRead
    | JobActed
    | JobsBegan
    | JobsSeen
    | FallbackRead
    | MessageBegan
    | MessageTaken
    | MessageEnded
)
