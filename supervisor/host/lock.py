"""One process for each state directory: a lock that ends with its process.

The lock is on the file `lock`. Where no file can be made, as on a full disk, it is on the directory
itself. A file that was removed locks nothing, so the supervisor looks at times whether it is there.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import define, field

from supervisor.errors import AlreadyRunning, SupervisorError
from supervisor.host.state_dir import LOCK_NAME, make_state_dir

_NO_FILE = {errno.EDQUOT, errno.ENOSPC, errno.EROFS}
"""Errors after which the directory is locked in place of a file."""


@define(eq=False, repr=False)
class Lock:
    """Keeps other supervisors away from a state directory."""

    directory: Path
    """The state directory."""

    _descriptor: int = field(default=-1, init=False)
    """The locked file. -1 while there is none."""

    is_directory: bool = field(default=False, init=False)
    """Whether the directory is locked in place of a file."""

    @property
    def path(self) -> Path:
        """The file that is locked."""
        return self.directory / LOCK_NAME

    def take(self) -> None:
        """Lock the directory, also if it is locked by this object already.

        The directory is made with mode 0700 if it is missing. Raises `AlreadyRunning` with the PID
        of the process that holds it, or `SupervisorError`.
        """
        try:
            make_state_dir(self.directory)
            if self.directory.stat().st_mode & stat.S_IWOTH:
                raise SupervisorError(
                    f"cannot use the state directory {self.directory}: everybody may write there; "
                    f"chmod 700 {self.directory}"
                )
            descriptor, is_directory = self._open()
        except OSError as error:
            raise SupervisorError(
                f"cannot use the state directory {self.directory}: {error.strerror}; "
                "name another with --state-dir"
            ) from error
        try:
            self._lock(descriptor, is_directory=is_directory)
        except BaseException:
            os.close(descriptor)
            raise
        self.release()
        self._descriptor, self.is_directory = descriptor, is_directory

    def is_held(self) -> bool:
        """Return whether the lock is still on the file of that name. It may be gone, or another."""
        if self.is_directory:
            return False
        try:
            there, ours = self.path.stat(), os.fstat(self._descriptor)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:  # what cannot be seen need not be gone
            return True
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def release(self) -> None:
        """Let others have the directory."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _open(self) -> tuple[int, bool]:
        """Return a descriptor of the file, or of the directory if there can be no file."""
        try:
            flags = os.O_CLOEXEC | os.O_NOFOLLOW
            try:
                return os.open(self.path, os.O_RDWR | os.O_CREAT | flags, 0o600), False
            except OSError as error:
                # A disk that failed becomes read-only. The supervisor must start to report that.
                if error.errno == errno.EROFS and self.path.exists():
                    return os.open(self.path, os.O_RDONLY | flags), False
                raise
        except OSError as error:
            if error.errno in _NO_FILE:
                return os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), True
            raise

    def _lock(self, descriptor: int, *, is_directory: bool) -> None:
        if is_directory and self.is_directory and self._descriptor >= 0:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # the new descriptor gets it
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not is_directory and not self.is_directory:
                self._require_no_other()
        except BlockingIOError:
            holder = "" if is_directory else os.pread(descriptor, 32, 0).decode(errors="replace")
            raise AlreadyRunning(
                f"cannot start: process {holder.strip() or 'unknown'} holds the state directory "
                f"{self.directory}"
            ) from None
        except OSError as error:
            raise SupervisorError(
                f"cannot lock the state directory {self.directory}: {error.strerror}; "
                "it must be on a file system with locks"
            ) from error
        if not is_directory:
            with suppress(OSError):  # the PID is only for people: start even when the disk is full
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)

    def _require_no_other(self) -> None:
        """Raise `BlockingIOError` if a process that could not make the file runs here."""
        descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # not every file system can lock a directory
            pass
        finally:
            os.close(descriptor)


@contextmanager
def locked(directory: Path) -> Iterator[Lock]:
    """Hold the state directory within this context; make it with mode 0700 if it is missing.

    Raises `AlreadyRunning` with the PID of the process that holds it.
    """
    lock = Lock(directory)
    lock.take()
    try:
        yield lock
    finally:
        lock.release()
