"""What happens in a simulated world: a value that follows from a seed and that can be made smaller.

Times are seconds since the start of the scenario, and true, whatever a clock of the host shows.
"""

from __future__ import annotations

from attrs import frozen

from tests.simulation.jobs.script import Jobs

SERVICE = "SIMULATED"
"""The name of the service."""

HOST = "simulated"
"""The label `host`."""


BAND = "band"
"""A value below the number of W: what fires goes on, and nothing fires."""

BAND_OF_E = "band of E"
"""A value that is W. An alert that fires as E keeps its type."""

BANDS = (BAND, BAND_OF_E)
"""What a spell may be besides an event type."""


@frozen
class Spell:
    """For a while something is wrong on the host."""

    instance: str
    """What is concerned."""

    began: float
    """When it began."""

    ended: float
    """When it was over. Infinite if that never happens."""

    event_type: str = "E"
    """How bad it is: an event type, or one of `BANDS`."""


@frozen
class ModuleScript:
    """A module, and what its check would see. It is also what the check is given as `params`."""

    name: str
    """The module's name."""

    every: float | None = None
    """Seconds between two runs."""

    at: tuple[str, ...] = ()
    """Times of the day."""

    timeout: float = 30.0
    """Seconds after which a run is ended."""

    fire_after: int = 1
    """Runs that see a condition before it fires."""

    of_last: int = 0
    """Of how many of the last runs. If it is not more than `fire_after`: in a row."""

    clear_after: int = 1
    """Runs in a row that do not see it before it resolves."""

    spells: tuple[Spell, ...] = ()
    """What is wrong, and when."""

    reports: tuple[float, ...] = ()
    """When something happens that the next run reports once."""

    enabled: bool = True
    """Whether it runs. A reload may change that."""


@frozen
class Planned:
    """A `[[maintenance]]` table of the service file."""

    name: str
    """Its name. No other table has it."""

    at: tuple[str, ...]
    """Ranges of the day."""

    modules: tuple[str, ...] = ()
    """Whose conditions and reports it holds. Empty: all."""

    settle: float = 180.0
    """Seconds after the end for which conditions are still held."""


@frozen
class LastResort:
    """The `[fallback]` table of the service file."""

    channels: tuple[str, ...] = ("mail",)
    """The ways on which it tells: `mail`, `command`, or both."""

    after: float = 600.0
    """Seconds for which no peer must have taken anything."""

    every: float = 3600.0
    """Seconds in which it tells at most once."""

    event_types: tuple[str, ...] = ("E", "TE")
    """Of the alerts that are worth it."""


@frozen
class Fault:
    """Something that the world does to the supervisor."""

    at: float
    """When it begins."""

    kind: str
    """The name of a function in `faults.py`."""

    target: str = ""
    """The peer, module or channel that is meant. Empty for the host."""

    seconds: float = 0.0
    """How long it lasts, or how long the host is down."""

    amount: float = 0.0
    """How much of it there is. The fault's function says what it means."""


@frozen
class Settings:
    """What the service file says of the service as a whole. See `Service`."""

    timezone: str = "UTC"
    resend_interval: float = 60.0
    report_lifetime: float = 1800.0
    min_visible: float = 360.0
    request_timeout: float = 5.0
    max_batch: int = 256
    max_ledger: int = 64 * 1024 * 1024
    heartbeat: bool = True
    group_interval: float = 60.0
    """Of the Alertmanagers. 60 s are what the configuration that is shipped says."""
    watchdog: float = 600.0
    """Seconds within which systemd wants to be told that the supervisor lives."""
    look_interval: float = 30.0
    """Seconds after which a task that waits looks whether its clock was set or a file is gone.

    Where neither happens, rarer looks change nothing, and a calm month takes a tenth of the time.
    """


@frozen
class Scenario:
    """A world from its beginning to its end."""

    seed: int
    """Decides all that is random within the world: latencies, jitter, the order of tasks."""

    days: float
    """How long it lasts."""

    start: float
    """Unix seconds at the beginning."""

    settings: Settings
    """Of the service."""

    modules: tuple[ModuleScript, ...]
    """What the service runs."""

    peers: tuple[str, ...]
    """The addresses of its Alertmanagers."""

    faults: tuple[Fault, ...] = ()
    """What is done to it, in the order of time."""

    maintenance: tuple[Planned, ...] = ()
    """When work is planned. Few hosts have such windows."""

    jobs: Jobs | None = None
    """The jobs that report to a spool. Few hosts have some."""
    last_resort: LastResort | None = None
    """Who is told when no peer takes anything. Few hosts have that."""
