"""Software RAID: a module of `command` that reads /proc/mdstat."""

from __future__ import annotations

import re
from pathlib import Path

from supervisor.discover.draft import Draft, Finding, quoted

MDSTAT = Path("/proc/mdstat")
"""Where the kernel tells of its arrays. It is not there without the driver."""

SCRIPT = r'/^md/ { name = $1 } /\[U*_[U_]*\]/ { print name ": " $0; bad = 1 } END { exit bad }'
"""A program of awk. It prints the arrays that lack a disk, and fails if there is one."""


def arrays() -> Finding:
    """Return a module that fires when an array lacks a disk."""
    try:
        names = re.findall(r"^(md\S+) :", MDSTAT.read_text("ascii"), re.M)
    except OSError:
        names = []
    if not names:
        return Finding(left_out=("software RAID: this host has no md array",))
    also = (
        'protocol = "text"',
        f"argv = [{quoted('awk')}, '{SCRIPT}', {quoted(str(MDSTAT))}]",
        'event_type = "E"',
    )
    about = f"The md arrays {', '.join(names)}. A `_` in /proc/mdstat is a disk that is missing."
    return Finding((Draft("command", about, name="md-arrays", also=also),))
