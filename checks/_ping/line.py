"""One socket through which all hosts of a family are asked, and what waits for an answer there."""

from __future__ import annotations

import errno
import os
import socket
import time

import trio
from attrs import define, field, frozen

from checks._common.addresses import SocketAddress
from checks._ping import packet
from checks._ping.sockets import ANCILLARY_BYTES, came_at, lost_here

OUT_OF_RESOURCES = frozenset({errno.ENOBUFS, errno.ENOMEM})
"""Errors of sending that say nothing of the network: this host has run out of something."""

BATCH = 100
"""How many datagrams are read before other tasks have a turn."""

PAUSE = 0.1
"""Seconds from one look at the buffer to the next. A wake-up costs more than what it reads."""

SECOND = 1_000_000_000
"""Nanoseconds."""


@define(eq=False)
class Peer:
    """One address that is asked, and what has come of it."""

    family: socket.AddressFamily
    address: SocketAddress

    sent: int = 0
    """Requests. One that the network refused at once counts, one that this host lost does not."""

    seconds: list[float] = field(factory=list)
    """The round trip of each request that was answered in time."""

    refused: str = ""
    """Why the last request that the network refused was not sent."""

    hindered: str = ""
    """Why a request does not count. The reason lies in this host."""

    @property
    def lost(self) -> int:
        """How many requests were not answered in time."""
        return self.sent - len(self.seconds)


@frozen(eq=False)
class Request:
    """A request that was sent."""

    peer: Peer
    sequence: int

    wall: int
    """When, in nanoseconds of the wall clock. The kernel stamps the answer with the same clock."""

    monotonic: int
    """When, in nanoseconds of the clock that nobody sets."""


@define(eq=False)
class Line:
    """A socket and its requests."""

    sock: socket.socket
    family: socket.AddressFamily

    timeout: int
    """Nanoseconds after which an answer is too late."""

    _awaited: dict[bytes, Request] = field(factory=dict)
    """Requests without an answer, by their cookies."""

    _doubtful: dict[bytes, Request] = field(factory=dict)
    """Those whose answers this host may have lost."""

    _lost: int = 0
    """How many datagrams this host had lost at the last look."""

    _looked: int = field(factory=time.monotonic_ns)
    """When the buffer was last seen empty."""

    async def send(self, peer: Peer, sequence: int) -> None:
        """Send one request. Wait while the socket's own buffer is full."""
        while True:
            try:
                self._send(peer, sequence)
            except BlockingIOError:
                peer.hindered = "this host's send buffer is full"
                await trio.lowlevel.wait_writable(self.sock)
                continue
            except OSError as error:
                if error.errno in OUT_OF_RESOURCES:
                    peer.hindered = os.strerror(error.errno)
                else:
                    peer.sent += 1
                    peer.refused = os.strerror(error.errno or errno.EIO)
            return

    def _send(self, peer: Peer, sequence: int) -> None:
        cookie = os.urandom(packet.COOKIE_BYTES)
        datagram = packet.request(self.family, sequence, cookie)
        request = Request(peer, sequence, time.time_ns(), time.monotonic_ns())
        self.sock.sendto(datagram, peer.address)
        self._awaited[cookie] = request
        peer.sent += 1

    async def listen(self) -> None:
        """Read answers until this is cancelled."""
        while True:
            await trio.lowlevel.wait_readable(self.sock)
            self.read()
            await trio.sleep(PAUSE)

    async def listen_for_the_rest(self) -> None:
        """Read answers until each request has one."""
        while self._awaited or self._doubtful:
            await trio.lowlevel.wait_readable(self.sock)
            self.read()
            if self._awaited or self._doubtful:
                await trio.sleep(PAUSE)

    def close(self) -> None:
        """Take in what has come in until now, and close the socket.

        Requests whose answers this host may have lost do not count.
        """
        while not self.read():
            pass
        for request in self._doubtful.values():
            request.peer.sent -= 1
            request.peer.hindered = "answers came faster than this host could take them in"
        self._doubtful.clear()
        self.sock.close()

    def read(self) -> bool:
        """Take in a batch of answers. Return whether there are no more."""
        for _ in range(BATCH):
            try:
                datagram, ancillary, _, source = self.sock.recvmsg(
                    packet.BYTES + 1, ANCILLARY_BYTES
                )
            except BlockingIOError:
                self._look_for_losses()
                return True
            self._take_in(datagram, source[0], came_at(ancillary))
        return False

    def _take_in(self, datagram: bytes, source: str, came: int | None) -> None:
        """Note an answer to one of our requests, from the host that was asked. Drop all else."""
        now = time.monotonic_ns()
        if (found := packet.reply(self.family, datagram)) is None:
            return
        sequence, cookie = found
        waiting = self._awaited if cookie in self._awaited else self._doubtful
        request = waiting.get(cookie)
        if request is None or request.sequence != sequence or request.peer.address[0] != source:
            return
        del waiting[cookie]  # so that a second answer is dropped
        took = now - request.monotonic
        # What the kernel noted is exact, also if this process was busy. If the clock was set since
        # then, it is wrong.
        if came is not None and 0 <= came - request.wall <= took:
            took = came - request.wall
        if took <= self.timeout:
            request.peer.seconds.append(took / SECOND)

    def _look_for_losses(self) -> None:
        """Doubt the requests whose answers may be among those that found the buffer full."""
        now = time.monotonic_ns()
        lost = lost_here(self.sock)
        if lost != self._lost:
            for cookie, request in list(self._awaited.items()):
                if request.monotonic >= self._looked - self._slowest(request.peer):
                    self._doubtful[cookie] = self._awaited.pop(cookie)
        self._lost, self._looked = lost, now

    def _slowest(self, peer: Peer) -> int:
        """Return after how many nanoseconds an answer of this peer may come, by its slowest one."""
        if not peer.seconds:
            return self.timeout
        return min(self.timeout, round(2 * max(peer.seconds) * SECOND))
