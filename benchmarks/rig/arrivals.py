"""Listening sockets that note each connection, and the timetable that these show."""

from __future__ import annotations

import contextlib
import selectors
import socket
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from attrs import define, field, frozen

BURST = 0.1
"""Seconds of a burst."""


@frozen
class Timetable:
    """How even the intervals between checks were, in seconds."""

    checks: int
    mean: float
    least: float
    most: float
    deviation: float
    burst: int
    """Starts within 100 ms, at most."""


def timetable(arrivals: Mapping[int, Sequence[float]]) -> Timetable:
    """Return the timetable of these moments. Intervals are between two of the same port."""
    gaps = [after - before for times in arrivals.values() for before, after in pairwise(times)]
    moments = sorted(moment for times in arrivals.values() for moment in times)
    return Timetable(
        checks=len(moments),
        mean=statistics.fmean(gaps) if gaps else 0.0,
        least=min(gaps, default=0.0),
        most=max(gaps, default=0.0),
        deviation=statistics.pstdev(gaps) if gaps else 0.0,
        burst=burst(moments),
    )


def burst(moments: Sequence[float]) -> int:
    """Return how many of the sorted moments lie within 100 ms, at most."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= BURST:
            first += 1
        most = max(most, last - first + 1)
    return most


@define
class Listeners:
    """Listening sockets on loopback that note each connection."""

    ports: list[int] = field(factory=list)
    _sockets: dict[int, socket.socket] = field(factory=dict)
    _arrivals: dict[int, list[float]] = field(factory=lambda: defaultdict(list))
    _selector: selectors.DefaultSelector = field(factory=selectors.DefaultSelector)
    _stopping: bool = False

    @classmethod
    @contextlib.contextmanager
    def open(cls, count: int) -> Iterator[Listeners]:
        """Listen on `count` ports; a thread accepts."""
        listeners = cls()
        with contextlib.ExitStack() as stack:
            stack.callback(listeners._selector.close)
            for _ in range(count):
                sock = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
                sock.setblocking(False)
                port = sock.getsockname()[1]
                listeners.ports.append(port)
                listeners._sockets[port] = sock
                listeners._selector.register(sock, selectors.EVENT_READ, port)
            thread = threading.Thread(target=listeners._accept)
            thread.start()
            try:
                yield listeners
            finally:
                listeners._stopping = True
                thread.join()

    def close(self, port: int) -> None:
        """Refuse connections to the port from now on."""
        sock = self._sockets.pop(port)
        self._selector.unregister(sock)
        sock.close()

    def clear(self) -> None:
        self._arrivals.clear()

    def arrivals(self) -> dict[int, list[float]]:
        """Return the moments of connections to each port since `clear`, by the monotonic clock."""
        return {port: list(times) for port, times in list(self._arrivals.items())}

    def _accept(self) -> None:
        while not self._stopping:
            for key, _ in self._selector.select(0.2):
                assert isinstance(key.fileobj, socket.socket)
                with contextlib.suppress(OSError):  # closed, or the client has gone
                    key.fileobj.accept()[0].close()
                    self._arrivals[key.data].append(time.monotonic())
