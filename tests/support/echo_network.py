"""A network namespace behind a TUN device, whose hosts answer pings as a test wants. It needs root.

It works with each kernel. The answers are chosen and not drawn by lot, so that loss is exact.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import ipaddress
import os
import select
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from attrs import define, evolve, field, frozen
from trio._core import _thread_cache

T = TypeVar("T")

V4 = "192.0.2"
"""The first numbers of all IPv4 addresses behind the device."""

V6 = "2001:db8::"
"""What the IPv6 addresses behind it begin with."""

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x1001
GROUP_RANGE = Path("/proc/sys/net/ipv4/ping_group_range")

UP = f"""
link set lo up
link set tun0 up
addr add {V4}.1/24 dev tun0
addr add {V6}1/64 dev tun0 nodad
"""


@frozen
class Echo:
    """An echo request, or a reply."""

    source: str
    target: str
    identifier: int
    sequence: int
    payload: bytes

    is_reply: bool = False

    @classmethod
    def parse(cls, packet: bytes) -> Echo | None:
        """Return the request in an IP packet. None: there is not one."""
        if packet[0] >> 4 == 4:
            if packet[9] != socket.IPPROTO_ICMP or packet[20] != 8:
                return None
            ends, icmp = packet[12:20], packet[20:]
        else:
            if packet[6] != socket.IPPROTO_ICMPV6 or packet[40] != 128:
                return None
            ends, icmp = packet[8:40], packet[40:]
        half = len(ends) // 2
        source, target = (str(ipaddress.ip_address(each)) for each in (ends[:half], ends[half:]))
        identifier, sequence = struct.unpack_from("!HH", icmp, 4)
        return cls(source, target, identifier, sequence, icmp[8:])

    def reply(self) -> Echo:
        """Return what the target answers."""
        return evolve(self, source=self.target, target=self.source, is_reply=True)

    def packed(self) -> bytes:
        """Return the IP packet."""
        ends = [ipaddress.ip_address(each).packed for each in (self.source, self.target)]
        if len(ends[0]) == 4:
            icmp = self._icmp(0 if self.is_reply else 8, b"")
            size = 20 + len(icmp)
            head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, size, 0, 0, 64, 1, 0, *ends)
            return head[:10] + checksum(head) + head[12:] + icmp
        size = 8 + len(self.payload)
        protocol = socket.IPPROTO_ICMPV6
        icmp = self._icmp(129 if self.is_reply else 128, struct.pack("!16s16sII", *ends, size, 58))
        return struct.pack("!IHBB16s16s", 6 << 28, size, protocol, 64, *ends) + icmp

    def _icmp(self, kind: int, before: bytes) -> bytes:
        head = struct.pack("!BBHHH", kind, 0, 0, self.identifier, self.sequence)
        return head[:2] + checksum(before + head + self.payload) + head[4:] + self.payload


def checksum(data: bytes) -> bytes:
    """Return the Internet checksum."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~total & 0xFFFF)


Behaviour = Callable[[Echo], Iterable[tuple[float, Echo]]]
"""What the network makes of a request: after how many seconds which packets come back."""


def answers(request: Echo) -> Iterable[tuple[float, Echo]]:
    """Each host answers at once."""
    yield 0, request.reply()


@define
class Network:
    """The hosts behind the device."""

    behave: Behaviour = answers

    requests: list[Echo] = field(factory=list)
    """All that came in."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Answer in a thread."""
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        wakes, wake = os.pipe()
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", b"tun0", IFF_TUN_NO_PI))
        subprocess.run(["ip", "-batch", "-"], check=True, input=UP, text=True)
        thread = threading.Thread(target=self._serve, args=(device, wakes))
        thread.start()
        try:
            yield
        finally:
            os.close(wake)
            thread.join()
            os.close(device)
            os.close(wakes)

    def _serve(self, device: int, wakes: int) -> None:
        due: list[tuple[float, int, bytes]] = []
        count = 0
        while True:
            wait = max(0.0, due[0][0] - time.monotonic()) if due else None
            ready, _, _ = select.select([device, wakes], [], [], wait)
            if wakes in ready:
                return
            request = Echo.parse(os.read(device, 65536)) if device in ready else None
            if request is not None:
                self.requests.append(request)
                for after, echo in self.behave(request):
                    count += 1
                    heapq.heappush(due, (time.monotonic() + after, count, echo.packed()))
            while due and due[0][0] <= time.monotonic():
                os.write(device, heapq.heappop(due)[2])


def in_namespace(function: Callable[[], T], *, groups: str = "0 0") -> T:
    """Call the function in a thread with a network of its own. `groups` are those that may ping."""

    def call() -> T:
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "cannot make a network namespace")
        GROUP_RANGE.write_text(groups, encoding="ascii")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return function()

    with ThreadPoolExecutor(1) as threads, own_idle_threads():
        return threads.submit(call).result()


@contextmanager
def own_idle_threads() -> Iterator[None]:
    """Let no later run of trio take a thread that was started here: it would be in this network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_thread_cache, "THREAD_CACHE", _thread_cache.ThreadCache())
        yield


def before(network: Network, function: Callable[[], T]) -> T:
    """Call the function in a namespace that leads to the network."""

    def call() -> T:
        with network.running():
            return function()

    return in_namespace(call)
