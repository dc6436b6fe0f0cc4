"""The daemons that `daemon` watches, and what each of their processes must be like."""

from __future__ import annotations

import re
from pathlib import Path

from attrs import Attribute, evolve, field, frozen

from checks._common.event_types import event_type_field
from checks._common.limits import limit_field
from checks._common.printable import is_text
from checks._common.validators import Rule, count_of, is_not_negative
from checks._processes.process import Process
from checks._processes.scan import ScanResult
from supervisor.api import Duration, Limit, Size, lower_limit, upper_limit

RESTARTED = "Daemon restarted"
"""The alert that tells of a restart, which the next run does not see again."""

MAX_COUNT = 10**6
"""The largest number of processes. No host has so many."""

_COUNT = re.compile(r"\s*([0-9]{1,7})\s*(?:-\s*([0-9]{1,7})\s*)?", re.ASCII)
"""A number, or the first and the last one of a range."""


def counts(written: int | str) -> range | None:
    """Return the numbers that "1-3", "2" or 2 stands for. None: none is written.

    Raises `ValueError`.
    """
    if written == "":
        return None
    match = _COUNT.fullmatch(str(written))
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if not 0 <= first <= last <= MAX_COUNT:
        raise ValueError(f"{written!r} is not a number of processes; write for example '1-3'")
    return range(first, last + 1)


def _is_count(_params: object, _: Attribute[int | str], value: int | str) -> None:
    counts(value)


@frozen
class Daemon:
    """One daemon, which consists of one or more processes."""

    name: str = field(metadata={"help": "the process, unless `processes` or `hosts` are given"})
    processes: tuple[str, ...] | str = field(
        default=(),
        metadata={"help": "names of programs, titles or Java main classes, or absolute paths"},
    )
    hosts: tuple[str, ...] | str = field(
        default=(), metadata={"help": 'NAME_HOST is a process for each of "HOST,HOST"'}
    )
    monitor: bool = field(
        default=False, metadata={"help": "each process has another one, PROCESS_monitor"}
    )
    containers: bool = field(
        default=False, metadata={"help": "true: a process in a container counts too"}
    )
    event_type: str = event_type_field("E", "when it does not run")
    count: int | str = field(
        default="",
        validator=Rule(_is_count, {"minimum": 0, "pattern": r"^\s*[0-9]+\s*(-\s*[0-9]+\s*)?$"}),
        metadata={
            "help": "how many processes have the name, such as '1-3'; W when there are others",
            "example": '"1-3"',
        },
    )
    user: str = field(
        default="",
        metadata={"help": "the user, by name or number; W when it runs as another one"},
    )
    max_memory: Limit[Size] | None = limit_field(
        upper_limit, "W when it holds more memory: PSS where it can be read, else RSS"
    )
    max_cpu_percent: Limit[float] | None = limit_field(
        upper_limit,
        "W when it used more since the last run; 100 is one processor",
        is_not_negative,
    )
    max_threads: Limit[int] | None = limit_field(
        upper_limit, "W with more threads", count_of("threads")
    )
    max_open_files: Limit[int] | None = limit_field(
        upper_limit, "W with more open files", count_of("files")
    )
    min_uptime: Limit[Duration] | None = limit_field(
        lower_limit, "W once after each restart, if it is younger when a run finds it"
    )
    with_children: bool = field(
        default=False,
        metadata={
            "help": "true: what it has started counts in the four limits that begin with max"
        },
    )

    @name.validator
    @processes.validator
    @hosts.validator
    def _are_names(self, _: Attribute[str], value: tuple[str, ...] | str) -> None:
        for name in [value] if isinstance(value, str) else value:
            if name != name.strip() or not is_text(name) or name.endswith(("/", "/..")):
                raise ValueError(
                    f"{name!r} is not the name of a process; write for example 'archiveManager'"
                )
            if not name:
                raise ValueError("is empty; write the name of a process, or leave the key out")

    @user.validator
    def _is_user(self, _: Attribute[str], value: str) -> None:
        if value != value.strip() or not is_text(value):
            raise ValueError(f"{value!r} is not the name of a user; write for example 'www-data'")

    @property
    def counts(self) -> range | None:
        """How many processes may have the name. None: any number but 0."""
        return counts(self.count)

    @property
    def is_measured(self) -> bool:
        """Whether its processes themselves are judged, and not only their number."""
        limits = (self.max_memory, self.max_cpu_percent, self.max_threads, self.max_open_files)
        return bool(self.user or self.min_uptime or any(limits))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its processes, without their monitors."""
        if self.processes:
            return (self.processes,) if isinstance(self.processes, str) else self.processes
        hosts = self.hosts.split(",") if isinstance(self.hosts, str) else self.hosts
        return tuple(f"{self.name}_{host.strip()}" for host in hosts if host.strip()) or (
            self.name,
        )


@frozen
class Params:
    """The daemons, and where their pid files are."""

    daemons: tuple[Daemon, ...] = field(metadata={"help": "the daemons that must run"})
    exclude_pid_check: tuple[str, ...] = field(
        default=(), metadata={"help": "daemons or processes without a pid file"}
    )
    pid_dir: Path | None = field(
        default=None,
        metadata={
            "help": "the directory of the files PROCESS.pid; default: pid files are not checked"
        },
    )

    @property
    def is_limited(self) -> bool:
        """Whether more is judged of some daemon than that it runs."""
        return any(each.is_measured or each.counts is not None for each in self.daemons)

    @property
    def past_events(self) -> frozenset[str]:
        """Alerts that are held until an Alertmanager has notified of them."""
        return frozenset({RESTARTED} if any(each.min_uptime for each in self.daemons) else ())


@frozen
class WatchedProcess:
    """One process that must run, and its alert when it does not."""

    name: str
    alertname: str
    event_type: str
    containers: bool = False
    pid_file: Path | None = None

    daemon: Daemon | None = None
    """The daemon with its limits. None for a monitor, which has none."""

    def counting(self, found: ScanResult) -> tuple[tuple[Process, ...], bool]:
        """Return its processes that count, and whether others run in containers."""
        running, contained = found.running[self.name], found.contained[self.name]
        return ((*running, *contained), False) if self.containers else (running, bool(contained))

    @property
    def least(self) -> int:
        """How many processes with this name must run at least."""
        counts = self.daemon.counts if self.daemon else None
        return 1 if counts is None else counts.start


def watched(params: Params) -> list[WatchedProcess]:
    """Return the processes that must run. When a name occurs twice, the first one counts."""
    found: dict[str, WatchedProcess] = {}
    # A process that is named itself comes before a monitor of the same name.
    for monitors in (False, True):
        for daemon in params.daemons:
            for name in daemon.names if daemon.monitor or not monitors else ():
                process = _watch(daemon, name, params, monitor=monitors)
                found.setdefault(process.name, process)
    return [*found.values()]


def _watch(daemon: Daemon, process: str, params: Params, *, monitor: bool) -> WatchedProcess:
    if monitor:
        name = f"{process}_monitor"
        watch = WatchedProcess(name, "Daemon monitor not running", "W", daemon.containers)
    else:
        name = process
        watch = WatchedProcess(name, "Daemon not running", daemon.event_type, daemon.containers)
        watch = evolve(watch, daemon=daemon)
    excluded = {daemon.name, process, name} & {*params.exclude_pid_check}
    if params.pid_dir is None or excluded:
        return watch
    return evolve(watch, pid_file=params.pid_dir / f"{Path(name).name}.pid")
