"""Datagram sockets for ICMP. Linux gives them to the groups of a sysctl, without capabilities."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterable
from pathlib import Path

from supervisor.api import CheckFailed

SYSCTL = "net.ipv4.ping_group_range"
"""The first and the last group that may ping, also with IPv6. The first is above: none may."""

BUFFER_BYTES = 1 << 20
"""Of each direction. The kernel gives less if net.core.rmem_max or wmem_max is less."""

SO_TIMESTAMPNS = 35
"""The kernel notes when a datagram came in. Python has a name for it since version 3.15."""

SO_MEMINFO = 55
"""Asks the kernel for the memory of a socket, and for how many datagrams it had no place."""

_MEMINFO = struct.Struct("@9I")
"""What `SO_MEMINFO` returns. The last number is that of lost datagrams."""

_TIMESPEC = struct.Struct("@ll")
"""Seconds and nanoseconds."""

ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)
"""Where `recvmsg` puts the time."""

_PROTOCOLS = {
    socket.AF_INET: socket.IPPROTO_ICMP,
    socket.AF_INET6: socket.IPPROTO_ICMPV6,
}
"""The protocol of a family's socket."""

_ROOT = 0
"""Root's user and group."""


def open_socket(family: socket.AddressFamily) -> socket.socket:
    """Return a socket that sends requests and gets the replies to them, and does not block.

    Raises `CheckFailed` when this process may not have one, and `OSError`.
    """
    try:
        made = socket.socket(family, socket.SOCK_DGRAM, _PROTOCOLS[family])
    except PermissionError as error:
        if error.errno == errno.EACCES:
            raise CheckFailed(closed_to(os.getegid())) from None
        raise
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
    made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    return made


def lost_here(sock: socket.socket) -> int:
    """Return how many datagrams found no place in the socket's buffer."""
    numbers = _MEMINFO.unpack(sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, _MEMINFO.size))
    return int(numbers[-1])


def came_at(ancillary: Iterable[tuple[int, int, bytes]]) -> int | None:
    """Return the nanoseconds of the wall clock when a datagram came in, if the kernel tells."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS) and len(data) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            return int(seconds) * 1_000_000_000 + int(nanoseconds)
    return None


def closed_to(group: int) -> str:
    """Return why this process may not ping, and the remedy for a service of this group."""
    low, high = _range()
    if group == _ROOT:
        name = "the service's group"
        remedy = f'as root, with its number for GID: sysctl -w {SYSCTL}="GID GID"'
    else:
        name = f"group {group}"
        wide = (group, group) if low > high else (min(low, group), max(high, group))
        remedy = f'as root: sysctl -w {SYSCTL}="{wide[0]} {wide[1]}"'
    why = f'{SYSCTL} is "{low} {high}", which does not include {name}'
    return f"not allowed to ping: {why}; {remedy}, and the same in a file of /etc/sysctl.d"


def hindrance(families: Iterable[socket.AddressFamily]) -> str:
    """Return why the service will not be able to ping. Empty: nothing is known to hinder it.

    Root asks for a service that runs as another group. So only a range without groups counts.
    """
    for family in families:
        try:
            open_socket(family).close()
        except CheckFailed as error:
            low, high = _range()
            return str(error) if os.geteuid() != _ROOT or low > high else ""
        except OSError as error:
            return f"cannot open an ICMP socket: {error.strerror}"
    return ""


def _range() -> tuple[int, int]:
    low, high = Path("/proc/sys", *SYSCTL.split(".")).read_text(encoding="utf-8").split()
    return int(low), int(high)
