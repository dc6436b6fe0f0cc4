"""Pid files, and what is wrong with one. Used by `daemon`.

The functions block, so call them in a thread.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from checks._common.pid_namespaces import is_in_container
from checks._common.printable import shown
from checks._processes.process import (
    Process,
    executable,
    instances,
    look_up,
    read_cmdline,
)
from checks._processes.scan import going_by

MAX_BYTES = 4096
"""The most bytes that are read of a pid file."""

MAX_LISTED_PIDS = 10
"""The most pids that a message lists."""

_PID = re.compile(rb"\s*0*([1-9][0-9]{0,9})\s*(?:\n.*)?", re.DOTALL)
"""A pid on the first line. The lines after it may hold anything."""

MAX_PID = 2**31 - 1
"""The largest pid that fits in the kernel's type for pids."""


@frozen
class PidFile:
    """A pid file as it was read."""

    path: Path

    pid: int = 0
    """The pid that the file names. 0 when it names none."""

    trouble: str = ""
    """Why the file names no pid."""

    missing: bool = False


def read(path: Path) -> PidFile:
    """Return what a pid file says. An error becomes its `trouble`."""
    try:
        # Without these flags a FIFO would block, and a terminal would become ours.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except FileNotFoundError:
        return PidFile(path, trouble="is missing", missing=True)
    except OSError as error:
        return PidFile(path, trouble=f"cannot be read: {error.strerror}")
    try:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        content = os.read(descriptor, MAX_BYTES) if regular else b""
    except OSError as error:
        return PidFile(path, trouble=f"cannot be read: {error.strerror}")
    finally:
        os.close(descriptor)
    pid = parse(content)
    return PidFile(path, pid, "" if pid else "names no process" if regular else "is not a file")


def parse(content: bytes) -> int:
    """Return the pid on the first line, or 0 when there is none."""
    match = _PID.fullmatch(content.removeprefix(codecs.BOM_UTF8))
    pid = int(match[1]) if match else 0
    return pid if pid <= MAX_PID else 0


def problem(file: PidFile, name: str, running: Sequence[Process]) -> str:
    """Return what is wrong with a pid file, or an empty text.

    `running` are the processes with the name. When there are none, a missing file is right.
    """
    if file.missing and not running:
        return ""
    pids = [process.pid for process in running]
    trouble = file.trouble
    if file.pid in pids:
        instances = _instances(running)
        if len(instances) > 1:
            trouble = f"names {file.pid}, but {len(instances)} instances run: {_list(instances)}"
    elif file.pid:
        trouble = _mismatch(file.pid, name)
        if trouble and pids:
            trouble += f"; {name} runs as {_list(_instances(running))}"
    return f"{file.path} {trouble}" if trouble else ""


def _instances(running: Sequence[Process]) -> list[int]:
    return sorted(process.pid for process in instances(running))


def _mismatch(pid: int, name: str) -> str:
    """Return what is wrong with a pid that a moment ago no process with the name had."""
    try:
        cmdline = read_cmdline(pid)
        if name in going_by(cmdline, [name], executable(pid, cmdline)):
            # It has just been started.
            return f"names {pid}, which runs in a container" if is_in_container(pid) else ""
        os.kill(pid, 0)
    except ProcessLookupError:
        return f"names {pid}, which does not run"
    except PermissionError:
        pass  # it runs as another user
    process = look_up(pid)
    if process is None:
        return ""
    if process.is_zombie:
        return f"names {pid}, which is a zombie"
    return f"names {pid}, which is another program: {shown(os.fsdecode(process.comm))}"


def _list(pids: Sequence[int]) -> str:
    listed = ", ".join(map(str, pids[:MAX_LISTED_PIDS])) + (
        ", …" if len(pids) > MAX_LISTED_PIDS else ""
    )
    return f"pid{'s' if len(pids) > 1 else ''} {listed}"
