"""What the processes of each watched name use together. Used by `daemon`.

The functions block, so call them in a thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from attrs import field, frozen

from checks._daemons import figures
from checks._daemons.family import families, read_children
from checks._daemons.watched import Daemon, WatchedProcess
from checks._processes.process import TICKS, Process, key
from checks._processes.processor_time import Counter
from checks._processes.scan import ScanResult
from supervisor.api import Limit, Size


@frozen
class Memory:
    """The memory of some processes, in bytes."""

    resident: int
    """The sum of RSS. A page that several of them share counts for each of them."""

    proportional: int | None = None
    """The sum of PSS, with RSS in the place of what cannot be read. None: it was not needed."""

    unseen: int = 0
    """Of how many processes PSS cannot be read."""


@frozen
class OpenFiles:
    """How many files some processes have open."""

    count: int
    """Those of the processes that can be seen."""

    unseen: int = 0
    """Of how many processes they cannot be seen."""

    trouble: str = ""
    """Why not."""


@frozen
class Usage:
    """What the processes of one name use. What no limit asks for is not read."""

    running: Sequence[Process]
    """The processes that have the name."""

    members: Sequence[Process]
    """These, and all that they have started if that counts, too."""

    memory: Memory | None = None
    open_files: OpenFiles | None = None

    processor: Mapping[str, Counter] = field(factory=dict)
    """The time of the processors that each process, or each family, has used."""

    user: str = ""
    """The user that they should run as."""

    owners: Sequence[tuple[Process, int]] = ()
    """The processes that have the name, each with the number of its user, if that is asked for."""

    @property
    def threads(self) -> int:
        """The number of threads."""
        return sum(process.threads for process in self.members)


def measure(processes: Iterable[WatchedProcess], scanned: ScanResult) -> dict[str, Usage]:
    """Return what the processes of each name use, for each daemon with limits that runs."""
    limited = [
        (each.name, each.daemon, running)
        for each in processes
        if each.daemon is not None and each.daemon.is_measured
        if (running := each.counting(scanned)[0])
    ]
    with_children = any(daemon.with_children for _, daemon, _ in limited)
    # A supervisor may be started by what it watches.
    children = read_children((*scanned.pids, os.getpid())) if with_children else {}
    return {name: _usage(daemon, processes, children) for name, daemon, processes in limited}


def _usage(
    daemon: Daemon, running: Sequence[Process], children: Mapping[int, Sequence[Process]]
) -> Usage:
    groups = [[process] for process in running]
    if daemon.with_children:
        groups = families(running, children)
    members = [process for group in groups for process in group if not process.is_zombie]
    owners = []
    for process in running if daemon.user else ():
        if (number := figures.owner(process.pid)) is not None:
            owners.append((process, number))
    return Usage(
        running=running,
        members=members,
        memory=read_memory(members, daemon.max_memory) if daemon.max_memory else None,
        open_files=read_open_files(members) if daemon.max_open_files else None,
        processor=_processor(groups, daemon) if daemon.max_cpu_percent else {},
        user=daemon.user,
        owners=owners,
    )


def read_memory(processes: Sequence[Process], limit: Limit[Size]) -> Memory:
    """Return their memory. PSS is never more than RSS, so it is read only if RSS is too much."""
    resident = sum(process.resident for process in processes)
    if resident <= limit.lowest:
        return Memory(resident)
    proportional = unseen = 0
    for process in processes:
        try:
            proportional += figures.proportional(process)
        except PermissionError:
            proportional += process.resident
            unseen += 1
    return Memory(resident, proportional, unseen)


def read_open_files(processes: Iterable[Process]) -> OpenFiles:
    """Return how many files they have open."""
    sizes = figures.tells_sizes()
    count = unseen = 0
    trouble = ""
    for process in processes:
        try:
            count += figures.open_files(process.pid, sizes=sizes)
        except PermissionError as error:
            unseen += 1
            trouble = trouble or f"{process}: {error.strerror}"
    return OpenFiles(count, unseen, trouble)


def _processor(groups: Iterable[Sequence[Process]], daemon: Daemon) -> dict[str, Counter]:
    """Return the time of each group, by its first process.

    The time of a child that has ended goes to its parent, so that of a family never falls.
    """
    used = {}
    for group in groups:
        if daemon.with_children:
            ticks = sum(process.family_ticks for process in group)
        else:
            ticks = sum(process.ticks for process in group)
        used[key(group[0])] = Counter(ticks / TICKS, group[0].born / TICKS)
    return used
