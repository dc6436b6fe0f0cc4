"""One process for each state directory: a lock that ends with its process."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from supervisor.errors import AlreadyRunning, SupervisorError
from supervisor.host.state_dir import LOCK_NAME


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the state directory within this context; make it with mode 0700 if it is missing.

    Raises `AlreadyRunning` with the PID of the process that holds it.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if directory.stat().st_mode & stat.S_IWOTH:
            raise SupervisorError(
                f"cannot use the state directory {directory}: everybody may write there; "
                f"chmod 700 {directory}"
            )
        descriptor = _open(directory / LOCK_NAME)
    except OSError as error:
        raise SupervisorError(
            f"cannot use the state directory {directory}: {error.strerror}; "
            "name another with --state-dir"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            raise AlreadyRunning(
                f"cannot start: process {holder or 'unknown'} holds the state directory {directory}"
            ) from None
        except OSError as error:
            raise SupervisorError(
                f"cannot lock the state directory {directory}: {error.strerror}; "
                "it must be on a file system with locks"
            ) from error
        with suppress(OSError):  # the PID is only for people: start even when the disk is full
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        # A disk that failed becomes read-only. The supervisor must start to report that.
        if error.errno == errno.EROFS and path.exists():
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        raise
