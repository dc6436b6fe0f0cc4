"""The processes that others have started, and those that these have started. Used by `usage`.

The functions block, so call them in a thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from checks._processes.process import PROC, Process, look_up


def read_children() -> Mapping[int, Sequence[Process]]:
    """Return all processes of this host, also its containers', by the pid of their parent."""
    children: dict[int, list[Process]] = {}
    for entry in os.listdir(PROC):
        process = look_up(int(entry)) if entry.isdecimal() else None
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
