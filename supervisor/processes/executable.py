"""Finds the file of a program, even when a mount is dead. `command` calls it before it spawns."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from functools import partial

from supervisor.errors import CheckFailed, StillHanging
from supervisor.host.threads import probe


async def look_up(program: str, cwd: str | None, path: str) -> str:
    """Return the program's file, after a thread has touched it and `cwd`.

    On a dead mount the thread hangs, not the event loop. Raises `CheckFailed`.
    """
    key = f"look-up of {program} for {cwd}" if cwd else f"look-up of {program}"
    try:
        return await probe(key, partial(_find, program, cwd, path))
    except (OSError, ValueError, StillHanging) as error:
        raise CheckFailed(f"cannot run {program}: {why(error)}") from None


def why(error: Exception) -> str:
    """Return the reason for people, without the error's number."""
    if not isinstance(error, OSError):
        return str(error)
    file = f": {error.filename}" if error.filename else ""
    return f"{error.strerror}{file}"


def _find(program: str, cwd: str | None, path: str) -> str:
    if cwd is not None:
        os.stat(os.path.join(cwd, ""))
    if os.path.dirname(program):
        found = os.path.join(cwd or "", program)
        if not os.path.isabs(found):  # else our own directory does not matter: it may be gone
            found = os.path.join(os.getcwd(), found)
    elif not (found := shutil.which(program, path=path) or ""):
        raise FileNotFoundError(errno.ENOENT, "no such program in PATH")
    if not stat.S_ISREG(os.stat(found).st_mode) or not os.access(found, os.X_OK):
        raise PermissionError(errno.EACCES, "it is not an executable file", found)
    # Many setuid programs may be executed, but not read. Only exec touches those.
    with contextlib.suppress(PermissionError), open(found, "rb") as file:
        file.read(1)
    return found
