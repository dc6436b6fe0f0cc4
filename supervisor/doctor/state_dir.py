"""Finds out, for `doctor`, whether the state directory can be used, and who uses it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import trio

from supervisor.config.service import Service
from supervisor.control.socket_client import ask
from supervisor.doctor.findings import Examination, Finding
from supervisor.errors import SupervisorError
from supervisor.host.state_dir import LEDGER_NAME, LOCK_NAME

READ_TIMEOUT = 10.0
"""Seconds for a disk, which may be a dead mount, and for the supervisor's local socket."""

T = TypeVar("T")


async def examine_state(service: Service, directories: Sequence[Path]) -> Examination:
    """Return whether the state directory can be used, and who uses it. Nothing is written there."""
    directory = await read_in_thread(partial(_in_use, directories), "state directory")
    if isinstance(directory, Finding):
        return Examination("State", (), (directory,))
    look = partial(_look_at, directory, service.max_ledger)
    found = await read_in_thread(look, f"directory {directory}")
    return Examination("State", (), (found,)) if isinstance(found, Finding) else found


def _in_use(directories: Sequence[Path]) -> Path | Finding:
    """Return the first directory that holds a lock, else the first."""
    for directory in directories:
        try:
            (directory / LOCK_NAME).lstat()
        except PermissionError:
            return _closed(directory)
        except OSError:
            continue
        return directory
    return directories[0]


def _closed(directory: Path) -> Finding:
    return Finding(
        f"cannot look into {directory}: Permission denied",
        "run doctor as the user of the supervisor, or name another with --state-dir",
    )


def _look_at(directory: Path, max_ledger: int) -> Examination:
    good: list[str] = []
    findings: list[Finding] = []
    locked_out: list[Finding] = []
    place = directory
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if finding := _unusable(directory, place):
        return Examination("State", (), (finding,))
    if place == directory:
        good.append(f"{directory} is writable")
        findings += (locked_out := list(_unwritable_files(directory)))
    else:
        good.append(f"{directory} is not there yet; the first start can make it")
    found = os.statvfs(place)
    free = found.f_bavail * found.f_frsize + _size(directory / LEDGER_NAME)
    if free < max_ledger:
        what = (
            f"{_mebibytes(free)} are free for the ledger, which may take {_mebibytes(max_ledger)}"
        )
        findings.append(Finding(what, "make room there, or set a smaller max_ledger"))
    else:
        good.append(f"{_mebibytes(free)} are free for it")
    if not locked_out:  # otherwise the lock and the socket are closed to us, too
        told = _who_runs(directory)
        if isinstance(told, Finding):
            findings.append(told)
        else:
            good.append(told)
    return Examination("State", tuple(good), tuple(findings))


def _unusable(directory: Path, place: Path) -> Finding | None:
    """Return why the directory, or the one in which it would be made, cannot be used."""
    try:
        mode = place.stat().st_mode
    except OSError as error:
        return Finding(
            f"cannot look into {place}: {error.strerror}", "name another with --state-dir"
        )
    if not stat.S_ISDIR(mode):
        return Finding(
            f"{place} is not a directory", "move it away, or name another with --state-dir"
        )
    if place == directory and mode & stat.S_IWOTH:
        return Finding(f"everybody may write to {directory}", f"run: chmod 700 {directory}")
    if not os.access(place, os.W_OK | os.X_OK, effective_ids=True):
        doing = "write to" if place == directory else f"make {directory} in"
        return Finding(
            f"cannot {doing} {place}",
            "run doctor as the user of the supervisor; if that is this user, give it the directory "
            "with chown, or name another with --state-dir",
        )
    return None


def _unwritable_files(directory: Path) -> Iterator[Finding]:
    """Yield the files that this user may not write. A start by another user leaves them."""
    for name in (LEDGER_NAME, LOCK_NAME):
        path = directory / name
        allowed = os.access(path, os.R_OK | os.W_OK, effective_ids=True)
        if path.exists() and not allowed:
            yield Finding(
                f"cannot read and write {path}",
                f"give it back: chown --reference {directory} {path}",
            )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB"


def _who_runs(directory: Path) -> str | Finding:
    """Return whether a supervisor runs there, and whether it answers."""
    holder = _holder(directory / LOCK_NAME)
    try:
        told = next(ask([directory], {"ask": "status"}, READ_TIMEOUT / 2))
    except SupervisorError as error:
        if holder is None:
            return "no supervisor runs there now"
        return Finding(
            f"process {holder} holds {directory}, but does not answer: {error}",
            "run doctor as its user or as root; if it is stuck, restart it",
        )
    return f"the supervisor runs there as process {told.get('pid', holder)} and answers"


def _holder(path: Path) -> int | None:
    """Return the process that holds the lock. It does not take the lock: a start would fail."""
    try:
        inode = path.stat().st_ino
        locks = Path("/proc/locks").read_text(encoding="ascii", errors="replace")
        holder = int(path.read_bytes()[:32])
    except (OSError, ValueError):
        return None
    found = f" {holder} ", f":{inode} "
    held = any(
        " FLOCK " in line and all(each in line for each in found) for line in locks.splitlines()
    )
    return holder if held else None


async def read_in_thread(look: Callable[[], T], name: str) -> T | Finding:
    """Look at files in a thread, which is abandoned when their disk does not answer."""
    with trio.move_on_after(READ_TIMEOUT):
        try:
            return await trio.to_thread.run_sync(look, abandon_on_cancel=True)
        except OSError as error:
            return Finding(f"cannot look at the {name}: {error.strerror}", "repair its file system")
    return Finding(
        f"the {name} does not answer within {READ_TIMEOUT:g} s",
        "look whether its file system is a mount whose server is gone",
    )
