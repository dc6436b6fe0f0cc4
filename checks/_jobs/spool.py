"""Read the spool, and remove what is on the ledger's disk. It blocks, so call it in a thread.

Any user may put anything there: a pipe, a link, a million files, another user's report.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice

from attrs import define, field, frozen

from checks._common.printable import shown
from checks._jobs.report import JobReport, parse

ROOT = "/var/spool/supervisor"
"""Holds one spool for each service."""

VARIABLE = "SUPERVISOR_SPOOL_DIR"
"""The variable of the environment that names another directory than `ROOT`."""

MODE = 0o1733
"""The mode of a spool: all may put files there, and only its owner may list them."""

SUFFIX = ".json"
"""The end of a report's name."""

SOCKET = "socket"
"""The name of the socket, which is not a report."""

MAX_FILES = 10_000
"""Files that one run looks at."""

MAX_REPORTS = 500
"""New reports that one run takes. The next run takes the others."""

MAX_BYTES = 64 * 1024
"""Bytes of one report."""

KEPT_SECONDS = 86400
"""How long a report stays that names a job which the service file does not have."""


@frozen
class Refused:
    """A file that does not count. It is removed."""

    name: str
    why: str


@define
class Reading:
    """What one look at the spool has found."""

    reports: list[JobReport] = field(factory=list)
    """The new ones."""

    new: set[str] = field(factory=set)
    """What the new ones are called. A copy that came at the same time is not a new one."""

    present: set[str] = field(factory=set)
    """What the reports are called that were taken before and are still there."""

    refused: list[Refused] = field(factory=list)
    """What does not count."""

    waiting: int = 0
    """Reports that name a job which is not in the service file."""


def directory(service: str, given: str) -> str:
    """Return the spool of a service; `given` is what the service file says."""
    return given or os.path.join(os.environ.get(VARIABLE) or ROOT, service)


def command_to_make(spool: str) -> str:
    """Return the command by which root makes a spool for this process."""
    return f"install -d -o {os.getuid()} -m {MODE:o} {spool}"


def make(spool: str) -> None:
    """Make the spool if it is missing. Raises `OSError`."""
    with suppress(FileExistsError):
        os.mkdir(spool, MODE)
    status = os.stat(spool)
    if status.st_uid == os.getuid() and stat.S_IMODE(status.st_mode) != MODE:
        os.chmod(spool, MODE)


def read(
    spool: str, users: Mapping[str, Collection[int]], *, taken: Collection[str], is_saved: bool
) -> Reading:
    """Return the reports that are new. Remove those that were taken, if that `is_saved`.

    `users` has the numbers of the users who may report each job. Raises `OSError` if the spool
    itself cannot be read.
    """
    reading = Reading()
    with _opened(spool) as directory, os.scandir(directory) as entries:
        for entry in islice(entries, MAX_FILES):
            if entry.name == SOCKET:
                continue
            try:
                with suppress(FileNotFoundError):
                    _take(reading, directory, entry.name, users, taken=taken, is_saved=is_saved)
            except (OSError, ValueError) as error:
                reading.refused.append(Refused(shown(entry.name, 50), _why(error)))
                _remove(directory, entry.name)
    return reading


def _take(
    reading: Reading,
    directory: int,
    name: str,
    users: Mapping[str, Collection[int]],
    *,
    taken: Collection[str],
    is_saved: bool,
) -> None:
    """Take one file into the reading. Raises `OSError` or `ValueError` for what is not a report."""
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        raise ValueError("is not a file of its own")
    is_old = time.time() - status.st_ctime > KEPT_SECONDS
    if not name.endswith(SUFFIX):
        if is_old:
            raise ValueError("was never finished")
        return
    if len(reading.reports) >= MAX_REPORTS:
        return
    report = parse(_content(directory, name))
    if report.job not in users:
        if is_old:
            raise ValueError(f"names {report.job!r}, which is not a job of this service")
        reading.waiting += 1
    elif status.st_uid not in users[report.job]:
        raise ValueError(f"is of user {status.st_uid}, who may not report {report.job!r}")
    elif report.id in reading.new:
        pass  # a later run removes it
    elif report.id not in taken:
        reading.new.add(report.id)
        reading.reports.append(report)
    elif is_saved:
        _remove(directory, name)
    else:
        reading.present.add(report.id)


def _content(directory: int, name: str) -> bytes:
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
    descriptor = os.open(name, flags, dir_fd=directory)
    try:
        content = os.read(descriptor, MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > MAX_BYTES:
        raise ValueError(f"is larger than {MAX_BYTES // 1024} KiB")
    return content


def _remove(directory: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=directory)
    except IsADirectoryError:
        with suppress(OSError):  # it is not empty; its owner must remove it
            os.rmdir(name, dir_fd=directory)
    except OSError:
        pass  # it counts once, since what it is called is remembered


@contextmanager
def _opened(spool: str) -> Iterator[int]:
    descriptor = os.open(spool, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _why(error: OSError | ValueError) -> str:
    return (error.strerror or "cannot be read") if isinstance(error, OSError) else str(error)
