"""Says which figures of daemons this user may not see. `doctor` and `validate` tell it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checks._common.plurals import counted_processes
from checks._daemons import figures
from checks._daemons.family import families, read_children
from checks._daemons.usage import read_open_files
from checks._daemons.users import number_of
from checks._daemons.watched import Daemon, Params, watched
from checks._processes.process import Process
from checks._processes.scan import scan


def unreadable(params: Params) -> Iterator[str]:
    """Yield each figure that cannot be read, with the key of its limit. Blocks."""
    processes = watched(params)
    scanned = scan([each.name for each in processes])
    with_children = any(daemon.with_children for daemon in params.daemons)
    children = read_children(scanned.pids) if with_children else {}
    for number, daemon in enumerate(params.daemons):
        own = [each for each in processes if each.daemon is daemon]
        members = [process for each in own for process in each.counting(scanned)[0]]
        if daemon.with_children:
            members = [each for family in families(members, children) for each in family]
        living = [each for each in members if not each.is_zombie]
        yield from _of(f"daemons[{number}]", daemon, living)


def _of(key: str, daemon: Daemon, processes: Sequence[Process]) -> Iterator[str]:
    if daemon.user and number_of(daemon.user) is None:
        yield f"{key}.user: there is no user {daemon.user!r}; correct the name"
    files = read_open_files(processes) if daemon.max_open_files else None
    if files and files.unseen:
        whose = f"{counted_processes(files.unseen)}, such as {files.trouble}"
        yield (
            f"{key}.max_open_files: cannot see the open files of {whose}; before Linux 6.2 only "
            "root and the user of a process see them: leave the limit out, or run a newer kernel"
        )
    hidden = [each for each in processes if daemon.max_memory and not figures.shows_pss(each)]
    if hidden:
        whose = f"{counted_processes(len(hidden))}, such as {hidden[0]}"
        yield (
            f"warning: {key}.max_memory: cannot see the PSS of {whose}, which another user runs, "
            "so RSS counts; choose the limit by RSS, in which shared memory counts for each process"
        )
