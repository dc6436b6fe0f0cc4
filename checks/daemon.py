"""Watches daemons: whether they run, as whom, since when, what they use; pid files and zombies.

Coming from Monit: `check process`; Icinga: `procs`; Telegraf: `procstat`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from attrs import frozen

from checks._common.deadlines import within
from checks._daemons.watched import Daemon, Params, WatchedProcess, watched
from checks._files.probing import probe_within
from checks._processes import pid_files
from checks._processes.process import Process, key, look_up
from checks._processes.scan import ScanResult, is_short_for, scan
from supervisor.api import CheckFailed, Condition, Context, Json, Measurement, Observation, probe

__all__ = ["Daemon", "Params", "examine", "run", "watched"]

EXAMINES_THIS_HOST = True
"""`examine` looks at this host's processes alone."""

PID_FILES_TIMEOUT = 5.0
"""Seconds for reading the pid files. Their directory may be on a server that is dead."""

MAX_SEEN_BYTES = 20 * 1024
"""The most bytes of the state for the processes that were seen."""

MAX_KEY_BYTES = 34
"""The most bytes of a process's key there, with what stands around it."""


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


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return conditions for what does not run as it should, and what was measured."""
    remembered = context.state.get("seen")
    known = remembered if isinstance(remembered, dict) else {}
    processes = watched(params)
    try:
        if params.is_limited:
            from checks._daemons import judging  # only limits need it, and it is large

            seen = await probe("look at the processes", partial(judging.look, processes))
            scanned = seen.scanned
        else:
            names = [process.name for process in processes]
            scanned = await probe("look at the processes", partial(scan, names))
    except OSError as error:
        raise CheckFailed(f"cannot look at the processes: {error.strerror}") from None
    files = await _pid_files(processes)
    results = await probe("look at the pid files", partial(look, processes, scanned, files, known))
    judged: Mapping[str, Sequence[Observation]] = {}
    if params.is_limited:
        judged = await judging.judge(context.state, processes, seen)
    else:
        context.state.clear()
    context.state["seen"] = _remembered(results)
    observed: list[Observation] = []
    for result in results:
        name = result.watched.name
        observed.append(Measurement("processes", len(result.running), labels={"process": name}))
        observed += (*conditions(result), *judged.get(name, ()))
    return observed


async def examine(params: Params) -> Iterable[str] | None:
    """Return what a run as this user will not see. None: no daemon has a limit that needs it."""
    if not any(daemon.is_measured for daemon in params.daemons):
        return None
    from checks._daemons.readable import unreadable  # only limits need it, and it is large

    return await probe("look at the processes", lambda: [*unreadable(params)])


def _remembered(results: Iterable[WatchResult]) -> dict[str, Json]:
    """Return the name of each process that was seen, by its key, as far as they fit."""
    seen: dict[str, Json] = {}
    room = MAX_SEEN_BYTES
    for result in results:
        entry = len(json.dumps(result.watched.name)) + MAX_KEY_BYTES
        for process in (*result.running, *(zombie.process for zombie in result.zombies)):
            if (room := room - entry) >= 0:
                seen[key(process)] = result.watched.name
    return seen


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
    running, contained = watched.counting(found)
    of_kernel = bool(running) and all(process.is_of_kernel for process in running)
    return WatchResult(
        watched=watched,
        running=running,
        zombies=tuple(zombies),
        trouble=pid_files.problem(file, watched.name, running) if file and not of_kernel else "",
        hidden=found.hidden or watched.name in found.unseen,
        contained=contained,
    )


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
    if not result.running and process.least:
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
