"""The check of these runs. It sees what a script says, and notes when it ran.

It opens its files once, so that it also runs in a process that has no descriptor left.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from attrs import frozen

from supervisor.api import Condition, Context, Observation

SCRIPT_BYTES = 4096
"""The length of a script. One of one length can be replaced by a single write."""


@frozen
class Params:
    """The module's script and its journal."""

    script: Path
    journal: Path


@frozen
class _Files:
    script: int
    journal: int
    scheduler: int
    """What the kernel tells of this thread; see tests/support/blocking.py."""


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return a condition for each name in the script."""
    files = _files(params)
    waited = int(os.pread(files.scheduler, 200, 0).split()[1]) / 1e9
    entry = {"pid": os.getpid(), "at": time.monotonic(), "waited": waited}
    os.write(files.journal, json.dumps(entry).encode() + b"\n")
    names = json.loads(os.pread(files.script, SCRIPT_BYTES, 0))
    return [Condition("Scripted", "E", name, f"{name} is wrong") for name in names]


@cache
def _files(params: Params) -> _Files:
    journal = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    return _Files(
        os.open(params.script, os.O_RDONLY | os.O_CLOEXEC),
        os.open(params.journal, journal, 0o600),
        os.open("/proc/thread-self/schedstat", os.O_RDONLY | os.O_CLOEXEC),
    )


def write_script(path: Path, names: Iterable[str]) -> None:
    """Let the check see a condition for each name."""
    text = json.dumps(sorted(names)).encode().ljust(SCRIPT_BYTES)
    assert len(text) == SCRIPT_BYTES
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(descriptor, text, 0)
    finally:
        os.close(descriptor)
