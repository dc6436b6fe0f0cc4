"""The established TCP sessions of this host, counted by local port. Used by `session` and `daily`.

They come from a netlink dump, sock_diag(7), as in `ss`. Where that is refused, they come from
the tables of proc(5). This blocks for some milliseconds with many sockets: call it in a thread.
"""

from __future__ import annotations

import re
import socket
import struct
from collections import Counter
from collections.abc import Iterable, Iterator

from checks._kernel import netlink
from checks._kernel.netlink import Message

# The numbers of <linux/netlink.h>, <linux/sock_diag.h> and <net/tcp_states.h>.
NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
ESTABLISHED = 1

TABLES = ("/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6")
"""The tables of the calling thread: its network namespace may differ from the process's."""

_TABLE_BUFFER_BYTES = 64 * 1024
_REQUEST = struct.Struct("=BBBxI48x")
"""`struct inet_diag_req_v2`: family, protocol, extensions, a bit for each state to list."""

_SOCKET = struct.Struct("=xBxxH")
"""The beginning of `struct inet_diag_msg`: the state, and the local port in network order."""

_SOCKET_BYTES = 72
"""The size of a whole `struct inet_diag_msg`."""

_LINE = re.compile(rb" *[0-9]+: ([0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4}) 01 ")
"""An established session in a table: its two ends, and the port of the local one."""


def count_sessions() -> Counter[int]:
    """Return the number of established TCP sessions of each local port, IPv4 and IPv6 together.

    Raises `OSError` when neither netlink nor /proc can be read.
    """
    try:
        return count_by_netlink()
    except OSError:  # a sandbox without AF_NETLINK, a kernel without inet_diag
        return count_by_proc()


def count_by_netlink() -> Counter[int]:
    """Return the sessions by local port, from the kernel's socket dump; raises `OSError`."""
    counted: Counter[int] = Counter()
    with netlink.connect(NETLINK_SOCK_DIAG) as sock:
        # IPv4 over an IPv6 socket is listed under IPv6 only.
        for sequence, family in enumerate((socket.AF_INET, socket.AF_INET6), 1):
            request = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 1 << ESTABLISHED)
            answers = netlink.dump(sock, SOCK_DIAG_BY_FAMILY, request, sequence)
            counted.update(established_ports(answers))
    return Counter({socket.ntohs(port): count for port, count in counted.items()})


def established_ports(messages: Iterable[Message]) -> Iterator[int]:
    """Yield the local port, in network order, of each established session in a socket dump."""
    for kind, content in messages:
        if kind == SOCK_DIAG_BY_FAMILY and len(content) >= _SOCKET_BYTES:
            state, port = _SOCKET.unpack_from(content)
            if state == ESTABLISHED:
                yield port


def count_by_proc() -> Counter[int]:
    """Return the sessions by local port, from the tables in /proc; raises `OSError`."""
    counted: Counter[int] = Counter()
    for path in TABLES:
        try:
            with open(path, "rb", buffering=_TABLE_BUFFER_BYTES) as table:
                counted.update(parse_table(table))
        except FileNotFoundError:
            if path == TABLES[0]:
                raise
            # a host without IPv6
    return counted


def parse_table(lines: Iterable[bytes]) -> Iterator[int]:
    """Yield the local port of each established session; other lines are left out.

    A session may be listed twice when the table changes while it is read. It counts once.
    """
    seen = set()
    for line in lines:
        found = _LINE.match(line)
        if found and found[1] not in seen:
            seen.add(found[1])
            yield int(found[2], 16)
