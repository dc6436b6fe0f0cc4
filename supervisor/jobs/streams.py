"""Copy a job's output to where it would have gone, and keep its end."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Sequence

from supervisor.jobs.tail import Tail

CHUNK = 65536
"""Bytes that are copied at a time: what a pipe holds."""


AFTER_END = 0.1
"""Seconds for which output is awaited after the job's end, while its pipe is open and empty."""


class Copier:
    """Copies one pipe to one descriptor, byte by byte the same, until the end of the pipe."""

    def __init__(self, source: int, target: int, tail: Tail) -> None:
        self.source = source
        self.target = target
        self.tail = tail
        self.is_at_end = False
        self._thread = threading.Thread(target=self.copy, daemon=True)
        self._stop, self._stopped = os.pipe()

    def start(self) -> None:
        """Copy in a thread."""
        self._thread.start()

    def finish(self) -> bool:
        """Copy what the job has written. Return False if another program still has the pipe."""
        os.write(self._stopped, b".")
        self._thread.join()
        return self.is_at_end

    def copy(self) -> None:
        """Copy until the end of the pipe. After `finish`, also stop when it stays empty."""
        is_ending = False
        while not self.is_at_end:
            watched = [self.source] if is_ending else [self.source, self._stop]
            ready, _, _ = select.select(watched, [], [], AFTER_END if is_ending else None)
            if self.source in ready:
                chunk = os.read(self.source, CHUNK)
                self.tail.add(chunk)
                self.is_at_end = not chunk or not self._pass_on(chunk)
            elif is_ending:
                return
            else:
                is_ending = True
        # If nobody reads any longer, the job gets SIGPIPE with its next line, as without us.
        os.close(self.source)

    def _pass_on(self, chunk: bytes) -> bool:
        """Write to the target. Return False if nobody reads there any longer."""
        left = memoryview(chunk)
        while left:
            try:
                left = left[os.write(self.target, left) :]
            except BlockingIOError:
                select.select([], [self.target], [])
            except BrokenPipeError:
                return False
            except OSError:
                return True  # such as a full disk: the job goes on, and this is lost
        return True


def copy_on(copiers: Sequence[Copier]) -> None:
    """Go on copying in a process of its own: a program that the job has left behind still writes.

    The caller goes on at once.
    """
    if os.fork() == 0:
        again = [Copier(copier.source, copier.target, copier.tail) for copier in copiers]
        threads = [threading.Thread(target=copier.copy) for copier in again]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        os._exit(0)
