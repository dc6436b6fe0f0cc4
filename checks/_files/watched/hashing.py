"""Reads files for their SHA-256, a part in each run. Used by `reading`.

What is not finished is kept in this process: after a restart reading begins again. The functions
block, so call them in a thread.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, field, frozen

MAX_BYTES_PER_RUN = 128 << 20
"""The most bytes that one run reads of all its files. The next runs read the rest."""

MIN_BYTES_PER_FILE = 1 << 20
"""The bytes that one run may read of each file, however much the others need."""

CHUNK_BYTES = 1 << 20
"""The bytes that are read at once."""

MIN_AGE = 2.0
"""Seconds. Clocks of files are coarse. A change right after another may leave the same time."""

MAX_BEGINS = 3
"""How often reading may begin, because the file changes, before that is told."""

MAX_UNFINISHED = 1000
"""Files that are remembered between two runs, at most."""


@frozen
class Digest:
    """The SHA-256 of a file."""

    sha256: str
    """As hexadecimal digits."""

    identity: str
    """The file that has it. Empty if it may change without another identity."""


@define(eq=False, repr=False)
class Budget:
    """How many bytes one run may still read."""

    left: int = MAX_BYTES_PER_RUN
    _lock: threading.Lock = field(factory=threading.Lock)

    def take(self, count: int) -> bool:
        """Take so many bytes, and return whether they were there. Called from several threads."""
        with self._lock:
            if self.left < count:
                return False
            self.left -= count
            return True


@define(eq=False, repr=False)
class Hashing:
    """A file that is being read."""

    identity: str
    """What it was when reading began."""

    begins: int = 1
    """How often reading has begun since it was finished last."""

    offset: int = 0
    """How many bytes were read."""

    size: int = 0
    """How many there are."""

    digest: Digest | None = None
    """None: it is not finished."""

    hasher: Any = field(factory=hashlib.sha256)

    @property
    def left(self) -> int:
        """How many bytes are not read yet."""
        return 0 if self.digest else max(self.size - self.offset, 0)

    @property
    def changes_all_the_time(self) -> bool:
        """Whether it changed each time before all of it was read."""
        return self.digest is None and self.begins > MAX_BEGINS


@define(eq=False, repr=False)
class Unfinished:
    """The files that are being read, from one run to the next."""

    _by_key: dict[str, Hashing] = field(factory=dict)
    _lock: threading.Lock = field(factory=threading.Lock)

    def take(self, key: str) -> Hashing | None:
        """Take a file out. A thread that hangs keeps what it took."""
        with self._lock:
            return self._by_key.pop(key, None)

    def put(self, key: str, hashing: Hashing) -> None:
        """Keep a file for the next run, and forget the one that waits longest if they are many."""
        with self._lock:
            self._by_key[key] = hashing
            if len(self._by_key) > MAX_UNFINISHED:
                del self._by_key[next(iter(self._by_key))]


def identity_of(status: os.stat_result) -> str:
    """Return a text that changes when a file is replaced or written to."""
    values = (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )
    return hashlib.sha256(repr(values).encode()).hexdigest()[:16]


def read_on(path: str, begun: Hashing | None, budget: Budget, ends: float) -> Hashing:
    """Read on where the run before has stopped, until the budget or the time is used up.

    `ends` is a time of the monotonic clock. Raises `OSError`.
    """
    with _opened(path) as (descriptor, status):
        started = time.time()
        found = _begin(status, begun)
        if _read(descriptor, found, budget, ends):
            status = os.fstat(descriptor)
            if identity_of(status) == found.identity:
                settled = status.st_ctime < started - MIN_AGE
                identity = found.identity if settled else ""
                found.digest = Digest(found.hasher.hexdigest(), identity)
        return found


def look_into(path: str) -> None:
    """Raise `OSError` if a file could not be read."""
    with _opened(path) as (descriptor, _):
        os.read(descriptor, 1)


@contextmanager
def _opened(path: str) -> Iterator[tuple[int, os.stat_result]]:
    """Open a regular file, and give its descriptor and its status. Raises `OSError`."""
    # Without these flags a FIFO would block, and a terminal would become ours.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is not a regular file")
        yield descriptor, status
    finally:
        os.close(descriptor)


def _begin(status: os.stat_result, begun: Hashing | None) -> Hashing:
    identity = identity_of(status)
    if begun is not None and begun.identity == identity and begun.offset <= status.st_size:
        return begun
    return Hashing(identity, 1 if begun is None else begun.begins + 1, size=status.st_size)


def _read(descriptor: int, hashing: Hashing, budget: Budget, ends: float) -> bool:
    """Read a part of a file, and return whether that was its end."""
    chunk, first = memoryview(bytearray(CHUNK_BYTES)), hashing.offset
    while True:
        beyond = hashing.offset - first >= MIN_BYTES_PER_FILE
        if beyond and (time.monotonic() > ends or not budget.take(CHUNK_BYTES)):
            return False
        count = os.preadv(descriptor, [chunk], hashing.offset)
        if count == 0:
            return True
        hashing.hasher.update(chunk[:count])
        hashing.offset += count
