"""Watches that daemons run, that their pid files are right, and that none is left as a zombie.

Coming from Monit: `check process`; Icinga: `procs`; Telegraf: `procstat`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from attrs import Attribute, evolve, field, frozen

from checks._common.deadlines import within
from checks._common.event_types import event_type_field
from checks._common.printable import is_text
from checks._files.probing import probe_within
from checks._processes import pid_files
from checks._processes.process import Process, look_up
from checks._processes.scan import ScanResult, is_short_for, scan
from supervisor.api import CheckFailed, Condition, Context, Json, Measurement, Observation, probe

PID_FILES_TIMEOUT = 5.0
"""Seconds for reading the pid files. Their directory may be on a server that is dead."""


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


@frozen
class WatchedProcess:
    """One process that must run, and its alert when it does not."""

    name: str
    alertname: str
    event_type: str
    containers: bool = False
    pid_file: Path | None = None


@frozen
class Zombie:
    """A process that has ended, and its parent, which should reap it."""

    process: Process
    parent: Process | None


@frozen
class WatchResult:
    """What was found of one watched process."""

    watched: WatchedProcess
    running: tuple[Process, ...]
    zombies: tuple[Zombie, ...] = ()

    trouble: str = ""
    """What is wrong with its pid file."""

    hidden: bool = False
    """Whether some processes cannot be seen by this user."""

    contained: bool = False
    """Whether processes of its name run in containers, and do not count."""


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
    excluded = {daemon.name, process, name} & {*params.exclude_pid_check}
    if params.pid_dir is None or excluded:
        return watch
    return evolve(watch, pid_file=params.pid_dir / f"{Path(name).name}.pid")


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return conditions for what does not run as it should, and the numbers of processes."""
    remembered = context.state.get("seen")
    known = remembered if isinstance(remembered, dict) else {}
    processes = watched(params)
    try:
        found = await probe(
            "look at the processes", partial(scan, [process.name for process in processes])
        )
    except OSError as error:
        raise CheckFailed(f"cannot look at the processes: {error.strerror}") from None
    files = await _pid_files(processes)
    results = await probe("look at the pid files", partial(look, processes, found, files, known))
    context.state["seen"] = {
        key(process): result.watched.name
        for result in results
        for process in (*result.running, *(zombie.process for zombie in result.zombies))
    }
    observed: list[Observation] = []
    for result in results:
        labels = {"process": result.watched.name}
        observed.append(Measurement("processes", len(result.running), labels=labels))
        observed += conditions(result)
    return observed


async def _pid_files(processes: Iterable[WatchedProcess]) -> Mapping[str, pid_files.PidFile]:
    """Return the pid files by process. Those that do not answer in time hide no daemon."""
    paths = {process.name: process.pid_file for process in processes if process.pid_file}
    if not paths:
        return {}

    def read() -> Mapping[str, pid_files.PidFile]:
        return {name: pid_files.read(path) for name, path in paths.items()}

    try:
        return await probe_within(within(PID_FILES_TIMEOUT), "read of the pid files", read)
    except TimeoutError as error:
        trouble = f"cannot be read: {error}"
        return {name: pid_files.PidFile(path, trouble=trouble) for name, path in paths.items()}


def look(
    processes: Sequence[WatchedProcess],
    found: ScanResult,
    files: Mapping[str, pid_files.PidFile],
    known: Mapping[str, Json],
) -> list[WatchResult]:
    """Return what is found of each process. Blocks.

    `known` has the name of each process that an earlier run saw, by its `key`.
    """
    names = [process.name for process in processes]
    pids = {file.pid: name for name, file in files.items()}
    zombies: dict[str, list[Zombie]] = {name: [] for name in names}
    for process in found.zombies:
        if (name := name_of(process, names, known, pids)) in zombies:
            zombies[name].append(Zombie(process, look_up(process.parent)))
    return [
        _result(process, found, files.get(process.name), zombies[process.name])
        for process in processes
    ]


def _result(
    watched: WatchedProcess,
    found: ScanResult,
    file: pid_files.PidFile | None,
    zombies: Sequence[Zombie],
) -> WatchResult:
    running, contained = found.running[watched.name], found.contained[watched.name]
    if watched.containers:
        running, contained = (*running, *contained), ()
    of_kernel = bool(running) and all(process.is_of_kernel for process in running)
    return WatchResult(
        watched=watched,
        running=running,
        zombies=tuple(zombies),
        trouble=pid_files.problem(file, watched.name, running) if file and not of_kernel else "",
        hidden=found.hidden or watched.name in found.unseen,
        contained=bool(contained),
    )


def key(process: Process) -> str:
    """Return a text that tells a process from all others since the host was started."""
    return f"{process.pid}/{process.born}"


def name_of(
    zombie: Process, names: Iterable[str], known: Mapping[str, Json], pids: Mapping[int, str]
) -> str:
    """Return which of the names a zombie had, or an empty text.

    A zombie has lost its command line. Its name is best known from an earlier run, then from a pid
    file, then from the 15 bytes that the kernel keeps of its program's name.
    """
    earlier = known.get(key(zombie)) or pids.get(zombie.pid)
    if isinstance(earlier, str):
        return earlier
    return next((name for name in names if is_short_for(zombie.comm, name)), "")


def conditions(result: WatchResult) -> Iterator[Condition]:
    """Yield a condition for each thing that is wrong."""
    process, name = result.watched, result.watched.name
    if not result.running:
        hint = "; one of its name runs in a container" if result.contained else ""
        hint += "; some processes are hidden from this user" if result.hidden else ""
        message = f"{name} does not run{hint}"
        yield Condition(process.alertname, process.event_type, name, message)
    if result.trouble:
        yield Condition("Pid file wrong", "W", name, result.trouble)
    for zombie in result.zombies:
        parent = zombie.parent or "its parent"
        message = f"{name} has ended as {zombie.process}, and {parent} does not reap it"
        yield Condition("Zombie", "W", name, message)
