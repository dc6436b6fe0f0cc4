"""Asks many hosts, each several times. Requests are spread over time, so that no burst is lost."""

from __future__ import annotations

import errno
import math
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack

import trio
from attrs import field, frozen

from checks._ping.line import SECOND, Line, Peer
from checks._ping.sockets import open_socket
from supervisor.api import CheckFailed

SLOT = 0.1
"""Seconds between two groups of hosts. A wake-up costs more than what it sends."""

MOST_IN_SLOT = 100
"""So many answers find a place in the smallest usual buffer, even with 4 KiB for each."""

FEW_IN_SLOT = 16
"""So many hosts are asked at once. It would not pay to spread them."""


@frozen
class Rounds:
    """How often each host is asked, and when."""

    hosts: int
    count: int

    interval: float
    """Seconds between two requests to a host, or a little more if there are many hosts."""

    timeout: float
    """Seconds after which an answer is too late."""

    group: int = field(init=False)
    """How many hosts are asked in one slot."""

    @group.default
    def _spread_evenly(self) -> int:
        slots = max(1, int(self.interval / SLOT))
        return min(MOST_IN_SLOT, max(FEW_IN_SLOT, math.ceil(self.hosts / slots)))

    @property
    def slots(self) -> int:
        """How many slots it takes to ask each host once."""
        return math.ceil(self.hosts / self.group)

    @property
    def period(self) -> float:
        """Seconds from the beginning of a round to the next."""
        least = self.slots * SLOT if self.slots > 1 else self.hosts * SLOT / MOST_IN_SLOT
        return max(self.interval, least)

    @property
    def seconds(self) -> float:
        """How long all of it takes at most."""
        return (self.count - 1) * self.period + (self.slots - 1) * SLOT + self.timeout

    def times(self) -> Iterator[tuple[float, int, int]]:
        """Yield when to ask, counted from the beginning; the round; and the first host."""
        for number in range(self.count):
            for slot in range(self.slots):
                yield number * self.period + slot * SLOT, number, slot * self.group


async def ask(peers: Sequence[Peer], rounds: Rounds, latest: float) -> None:
    """Ask each peer in each round, and note the answers. It ends at `latest` at the latest.

    Raises `CheckFailed` when this process may not ping.
    """
    with ExitStack() as stack:
        lines = _lines(peers, rounds)
        for line in lines.values():
            stack.callback(line.close)
        reachable = [peer for peer in peers if peer.family in lines]
        async with trio.open_nursery() as nursery:
            for line in lines.values():
                nursery.start_soon(line.listen)
            with trio.move_on_at(latest - rounds.timeout):
                await _send(reachable, lines, rounds)
            nursery.cancel_scope.cancel()
        with trio.move_on_at(min(latest, trio.current_time() + rounds.timeout)):
            async with trio.open_nursery() as nursery:
                for line in lines.values():
                    nursery.start_soon(line.listen_for_the_rest)


async def _send(
    peers: Sequence[Peer], lines: Mapping[socket.AddressFamily, Line], rounds: Rounds
) -> None:
    begun = trio.current_time()
    for after, number, first in rounds.times():
        late = trio.current_time() - begun - after
        if late > SLOT:  # the rest follows at the same pace, not all at once
            begun += late
        await trio.sleep_until(begun + after)
        for peer in peers[first : first + rounds.group]:
            await lines[peer.family].send(peer, number)


def _lines(peers: Sequence[Peer], rounds: Rounds) -> dict[socket.AddressFamily, Line]:
    """Open a socket for each family. Peers of a family that this host does not have are refused."""
    made: dict[socket.AddressFamily, Line] = {}
    try:
        for family in {peer.family for peer in peers}:
            try:
                made[family] = Line(open_socket(family), family, round(rounds.timeout * SECOND))
            except OSError as error:
                if error.errno != errno.EAFNOSUPPORT:
                    raise CheckFailed(f"cannot open an ICMP socket: {error.strerror}") from None
                for peer in peers:
                    if peer.family == family:
                        peer.sent, peer.refused = 1, os.strerror(error.errno)
    except CheckFailed:
        for line in made.values():
            line.sock.close()
        raise
    return made
