"""Writes the log from a thread, so that a reader who stops reading stops nothing else.

The reader may be a container runtime, a hung journald or a disk that does not answer.
"""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from contextlib import suppress
from queue import SimpleQueue

from supervisor.errors import NoThread
from supervisor.host.threads import start_thread

MAX_WAITING_BYTES = 1024 * 1024
"""Bytes of entries that wait for the reader, at most. Later entries are dropped and counted.

Errors may take up as much again: they still find room when a flood of others has taken the rest.
"""

FLUSH_TIMEOUT = 1.0
"""Seconds that a clean end of the process waits for the reader, at most."""

HARD_EXIT_TIMEOUT = 0.1
"""Seconds that a hard exit waits for the reader, at most."""

FLUSH_INTERVAL = 0.002
"""Seconds between two looks whether all is written."""

RETRY_INTERVAL = 1.0
"""Seconds until a descriptor that cannot be written now is tried again, at most."""


def flush_all() -> None:
    """Wait until the whole log is written, before a hard exit. It takes no lock."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LogWriter):
            handler.flush(HARD_EXIT_TIMEOUT)


class LogWriter(logging.Handler):
    """Puts entries into a bounded queue; a thread writes them to a descriptor.

    When the reader reads again, one more entry tells how many entries were dropped. As long as no
    thread can be started, each call writes what the reader takes without waiting.
    """

    def __init__(self, descriptor: int, encoding: str = "utf-8") -> None:
        super().__init__()
        self._descriptor = descriptor
        self._encoding = encoding
        # A signal handler may log while this thread logs. `put` is safe there.
        self._entries: SimpleQueue[bytes] = SimpleQueue()
        self._queued = 0
        self._written = 0
        self._dropped = 0
        # Not the handler's own lock: logging holds that while it flushes at the end.
        self._counting = threading.RLock()
        self._has_thread = False
        # Without a thread: what is left of an entry, how many dropped ones it tells of, and whether
        # it is being written.
        self._rest = b""
        self._tells_of = 0
        self._is_writing = False
        self._go_on()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue an entry, or count it if too much waits. It never blocks."""
        try:
            entry = self._encoded(record)
        except Exception:  # logging's own rule: an entry that cannot be formatted ends nothing
            self.handleError(record)
            return
        room = MAX_WAITING_BYTES * (2 if record.levelno >= logging.ERROR else 1)
        if self._queued - self._written + len(entry) > room:
            self._count_dropped(1)
        else:
            self._queued += len(entry)
            self._entries.put(entry)
        self._go_on()

    def flush(self, timeout: float = FLUSH_TIMEOUT) -> None:
        """Wait until everything is written, for at most `timeout` seconds."""
        end = time.monotonic() + timeout
        while self._written < self._queued and time.monotonic() < end:
            self._go_on()
            time.sleep(FLUSH_INTERVAL)

    def _encoded(self, record: logging.LogRecord) -> bytes:
        return f"{self.format(record)}\n".encode(self._encoding, "backslashreplace")

    def _go_on(self) -> None:
        """Start the thread, or do without it. A signal handler may call it within itself."""
        if self._has_thread or self._is_writing:
            return
        self._is_writing = True
        try:
            start_thread(threading.Thread(target=self._write_all, name="log", daemon=True))
            self._has_thread = True
        except NoThread:
            self._write_what_is_taken()
        finally:
            self._is_writing = False

    def _write_what_is_taken(self) -> None:
        """Write as much as the reader takes now."""
        while self._next():
            try:
                if not select.select([], [self._descriptor], [], 0)[1]:
                    return
                # So much never waits when the descriptor can be written.
                size = os.write(self._descriptor, self._rest[: select.PIPE_BUF])
            except BlockingIOError:
                return
            except OSError:
                self._count_dropped(self._tells_of or 1)
                self._written += len(self._rest)
                self._rest = b""
                if self._tells_of:
                    return
                continue
            self._rest = self._rest[size:]
            self._written += size

    def _next(self) -> bool:
        """Return whether there is something to write, of the last entry or of a new one."""
        if not self._rest and not self._entries.empty():
            self._rest, self._tells_of = self._entries.get(), 0
        elif not self._rest and self._dropped:
            self._tells_of = self._dropped
            self._rest = self._encoded(_told(self._tells_of))
            self._queued += len(self._rest)
            self._count_dropped(-self._tells_of)
        return bool(self._rest)

    def _write_all(self) -> None:
        while True:
            entry, self._rest = self._rest or self._entries.get(), b""
            is_written = self._write(entry)
            self._written += len(entry)
            self._count_dropped(not is_written)
            if is_written and self._dropped and self._entries.empty():
                self._tell_of_dropped()

    def _count_dropped(self, number: int) -> None:
        with self._counting:
            self._dropped += number

    def _tell_of_dropped(self) -> None:
        dropped = self._dropped
        if self._write(self._encoded(_told(dropped))):
            self._count_dropped(-dropped)

    def _write(self, entry: bytes) -> bool:
        """Write the whole entry, however long that takes.

        Return False if it cannot be written: there is no reader, or the disk is full.
        """
        rest = memoryview(entry)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:  # somebody who shares the descriptor has changed its mode
                with suppress(OSError):
                    select.select([], [self._descriptor], [], RETRY_INTERVAL)
            except OSError:
                return False
        return True


def _told(dropped: int) -> logging.LogRecord:
    return logging.LogRecord(
        name=__name__,
        level=logging.WARNING,
        pathname=__file__,
        lineno=0,
        msg="log entries that were dropped, because they could not be written: %d",
        args=(dropped,),
        exc_info=None,
    )
