"""Echo requests and replies of ICMP (RFC 792) and ICMPv6 (RFC 4443). Pure.

The kernel sets the identifier and the checksum of a request, and strips the IP header of a reply.
"""

from __future__ import annotations

import socket
import struct

COOKIE_BYTES = 16
"""The length of the cookie, which is all that a request carries."""

_HEADER = struct.Struct("!BBHHH")
"""Type, code, checksum, identifier, sequence number."""

BYTES = _HEADER.size + COOKIE_BYTES
"""The length of a request and of its reply."""

_REQUESTS = {socket.AF_INET: 8, socket.AF_INET6: 128}
"""The type of a request, by family."""

_REPLIES = {socket.AF_INET: 0, socket.AF_INET6: 129}
"""The type of a reply, by family."""


def request(family: socket.AddressFamily, sequence: int, cookie: bytes) -> bytes:
    """Return an echo request."""
    return _HEADER.pack(_REQUESTS[family], 0, 0, 0, sequence) + cookie


def reply(family: socket.AddressFamily, datagram: bytes) -> tuple[int, bytes] | None:
    """Return sequence number and cookie of a reply. None: it is not a reply to such a request."""
    if len(datagram) != BYTES:
        return None
    kind, code, _, _, sequence = _HEADER.unpack_from(datagram)
    if kind != _REPLIES[family] or code:
        return None
    return sequence, datagram[_HEADER.size :]
