"""Load, memory, swap and open files of the host: a module of `system`."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

from supervisor.discover.draft import Draft, Finding, Item


def vitals() -> Finding:
    """Return a module whose limits are well beyond what is measured now."""
    about = "The host itself: load, memory, swap, open files. What has no limit is measured."
    return Finding((Draft("system", about, tuple(_limits())),))


def _limits() -> Iterator[Item]:
    load = os.getloadavg()[1] / (os.cpu_count() or 1)
    most = max(4, math.ceil(2 * load))
    note = f"{load:.2f} now, as the mean of five minutes"
    yield Item(f"max_load_per_core = {most}", alertname="Load", note=note)
    memory = _meminfo()
    if total := memory.get("MemTotal", 0):
        available = 100 * memory.get("MemAvailable", 0) / total
        least = 5 if available >= 10 else math.floor(available / 2)
        note = f"{available:.0f} % is available now"
        yield Item(f"min_memory_percent = {least}", alertname="Memory", note=note)
    if swap := memory.get("SwapTotal", 0):
        used = 100 - 100 * memory.get("SwapFree", 0) / swap
        limit = 80 if used <= 60 else min(100, math.ceil(used + 20))
        yield Item(f"max_swap_percent = {limit}", alertname="Swap usage", note=f"{used:.0f} % now")
    try:
        Path("/proc/sys/fs/file-nr").read_text("ascii")
    except OSError:
        return
    yield Item("max_open_files_percent = 80", alertname="Open files")


def _meminfo() -> dict[str, int]:
    """Return the values of /proc/meminfo, most of them in KiB."""
    rows = (line.split() for line in Path("/proc/meminfo").read_text("ascii").splitlines())
    return {row[0].rstrip(":"): int(row[1]) for row in rows if len(row) > 1}
