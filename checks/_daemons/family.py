"""The processes that others have started, and those that these have started. Used by `usage`.

The functions block, so call them in a thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from checks._processes.process import Process, look_up


def read_children(pids: Iterable[int]) -> Mapping[int, Sequence[Process]]:
    """Return the processes with these pids that still exist, by the pid of their parent."""
    children: dict[int, list[Process]] = {}
    for pid in pids:
        process = look_up(pid)
        if process is not None:
            children.setdefault(process.parent, []).append(process)
    return children


def families(
    running: Iterable[Process], children: Mapping[int, Sequence[Process]]
) -> list[list[Process]]:
    """Return each of the processes with all its descendants, itself first.

    One that descends from another of them belongs to that one's family. Zombies belong to it, too.
    """
    found: list[list[Process]] = []
    seen: set[int] = set()
    for ancestor in sorted(running, key=lambda process: (process.born, process.pid)):
        if ancestor.pid in seen:
            continue
        family = [ancestor]
        seen.add(ancestor.pid)
        for member in family:  # it grows
            new = [each for each in children.get(member.pid, ()) if each.pid not in seen]
            seen.update(each.pid for each in new)
            family += new
        found.append(family)
    return found
