"""Reads the files that a service file names. A pipe, a device or a huge file there stops nothing.

A regular file on a dead mount still blocks, so the event loop reads in a thread.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def regular_file(path: Path, max_bytes: int) -> Iterator[int]:
    """Open a regular file and give its descriptor.

    Raises `OSError`, also for a file of another kind and for one that is larger.
    """
    # Without these flags a FIFO would block, and a terminal would become ours.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is not a regular file")
        if status.st_size > max_bytes:
            raise _too_large(max_bytes)
        yield descriptor
    finally:
        os.close(descriptor)


def content_of(descriptor: int, max_bytes: int) -> bytes:
    """Return what an open file holds. Raises `OSError`, also when that is more than `max_bytes`."""
    content = bytearray()
    while chunk := os.read(descriptor, max_bytes + 1 - len(content)):
        content += chunk
        if len(content) > max_bytes:  # it has grown, or it is a file of /proc, which has no size
            raise _too_large(max_bytes)
    return bytes(content)


def read_regular_file(path: Path, max_bytes: int) -> bytes:
    """Return the content of a regular file of at most `max_bytes`; raises `OSError`.

    It does not wait for a pipe or a device. A dead mount blocks it, so call it in a thread.
    """
    with regular_file(path, max_bytes) as descriptor:
        return content_of(descriptor, max_bytes)


def why(error: OSError) -> str:
    """Return in words why a file cannot be read."""
    return error.strerror or str(error)


def _too_large(max_bytes: int) -> OSError:
    kib = max_bytes // 1024
    size = f"{kib // 1024} MiB" if kib >= 1024 else f"{kib} KiB"
    return OSError(f"it is larger than {size}")
