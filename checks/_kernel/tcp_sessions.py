"""The established TCP sessions of this host, counted by local port. Used by `session` and `daily`.

From a netlink dump, sock_diag(7), as `ss` reads it; where that is refused, from the tables of
proc(5). Blocks for some milliseconds with many sockets, so call it in a thread.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import struct
from collections import Counter
from collections.abc import Iterable, Iterator

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST, NLM_F_DUMP = 0x1, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
ESTABLISHED = 1

TABLES = ("/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6")
"""Those of the calling thread: it may be in another network namespace than the process."""

ANSWER_WITHIN = 5.0
"""Seconds: the kernel answers at once or, should it have lost the request, never."""

_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBxI48x")
_SOCKET = struct.Struct("=16xxBxxH")
"""Of an inet_diag_msg, with its header: the state, and the local port in network order."""

_SOCKET_LENGTH = _HEADER.size + 72
_ERROR = struct.Struct("=16xi")
_BUFFER = 64 * 1024  # the kernel never fills more than half of it
_LINE = re.compile(rb" *[0-9]+: ([0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4}) 01 ")


def count_sessions() -> Counter[int]:
    """Return how many established TCP sessions each local port has, IPv4 and IPv6 together.

    The total is its `total()`. Raises `OSError` when neither netlink nor /proc can be read.
    """
    try:
        return count_by_netlink()
    except OSError:  # a sandbox without AF_NETLINK, a kernel without inet_diag
        return count_by_proc()


def count_by_netlink() -> Counter[int]:
    """Return the sessions by local port, from the kernel's socket dump; raises `OSError`."""
    counted: Counter[int] = Counter()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as netlink:
        netlink.settimeout(ANSWER_WITHIN)
        # IPv4 over an IPv6 socket is listed as IPv6 alone.
        for sequence, family in enumerate((socket.AF_INET, socket.AF_INET6), 1):
            netlink.sendto(_request(family, sequence), (0, 0))
            for datagram in _datagrams(netlink):
                ports, done = parse_dump(datagram, sequence)
                counted.update(ports)
                if done:
                    break
    return Counter({socket.ntohs(port): count for port, count in counted.items()})


def _request(family: int, sequence: int) -> bytes:
    body = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 1 << ESTABLISHED)
    flags = NLM_F_REQUEST | NLM_F_DUMP
    length = _HEADER.size + len(body)
    return _HEADER.pack(length, SOCK_DIAG_BY_FAMILY, flags, sequence, 0) + body


def _datagrams(netlink: socket.socket) -> Iterator[bytes]:
    while True:
        datagram, (sender, _) = netlink.recvfrom(_BUFFER)
        if sender == 0:  # else another process forges the kernel's answer
            yield datagram


def parse_dump(datagram: bytes, sequence: int) -> tuple[list[int], bool]:
    """Return the local ports, in network order, of the sockets listed, and whether it was all.

    Raises `OSError` when the kernel refuses, or when this is no socket dump.
    """
    ports: list[int] = []
    offset, end = 0, len(datagram)
    while offset + _HEADER.size <= end:
        length, kind, _, number, _ = _HEADER.unpack_from(datagram, offset)
        if not _HEADER.size <= length <= end - offset:
            raise OSError(errno.EBADMSG, "a message is cut off")
        if number == sequence:
            if kind in (NLMSG_DONE, NLMSG_ERROR):
                _raise_error(datagram[offset : offset + length])
                return ports, True
            if kind == SOCK_DIAG_BY_FAMILY and length >= _SOCKET_LENGTH:
                state, port = _SOCKET.unpack_from(datagram, offset)
                if state == ESTABLISHED:
                    ports.append(port)
        offset += (length + 3) & ~3
    return ports, False


def _raise_error(message: bytes) -> None:
    number = -_ERROR.unpack_from(message)[0] if len(message) >= _ERROR.size else 0
    if number:
        known = number if number in errno.errorcode else errno.EBADMSG
        raise OSError(known, os.strerror(known))


def count_by_proc() -> Counter[int]:
    """Return the sessions by local port, from the tables in /proc; raises `OSError`."""
    counted: Counter[int] = Counter()
    for path in TABLES:
        try:
            with open(path, "rb", buffering=_BUFFER) as table:
                counted.update(parse_table(table))
        except FileNotFoundError:
            if path == TABLES[0]:
                raise
            # a host without IPv6
    return counted


def parse_table(lines: Iterable[bytes]) -> Iterator[int]:
    """Yield the local port of each established session; lines that are none are left out.

    A session comes again where the table changed while it was read; it counts once.
    """
    seen = set()
    for line in lines:
        found = _LINE.match(line)
        if found and found[1] not in seen:
            seen.add(found[1])
            yield int(found[2], 16)
