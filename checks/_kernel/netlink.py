"""The framing of netlink(7): asks the kernel for a dump and reads its messages. Blocks.

Used by `routes` and `tcp_sessions`.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from typing import TypeAlias

Message: TypeAlias = tuple[int, bytes]
"""Its type and its content, without the header."""

NLMSG_ERROR = 2
"""The type of a message that refuses the request."""

NLMSG_DONE = 3
"""The type of the last message of a dump."""

NLM_F_REQUEST = 0x1
"""The flag of every request."""

NLM_F_DUMP = 0x300
"""The flag of a request for all that there is."""

NLM_F_DUMP_INTR = 0x10
"""The flag of a message whose dump does not fit together: something changed in between."""

HEADER = struct.Struct("=IHHII")
"""`struct nlmsghdr`: length with this header, type, flags, sequence number, port."""

KERNEL = 0
"""The port of the kernel. Any process may write to our socket, but not from this port."""

REPLY_TIMEOUT = 5.0
"""Seconds. The kernel answers at once, or never if it has lost the request."""

DATAGRAM_BYTES = 64 * 1024
"""The size of the receive buffer. The kernel never fills more than half of it."""

_ERROR_NUMBER = struct.Struct("=i")


class DumpInterrupted(OSError):
    """Something changed while the kernel listed it, so that the list does not fit together."""


def connect(protocol: int) -> socket.socket:
    """Return a netlink socket; raises `OSError` where the system refuses it."""
    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    netlink.settimeout(REPLY_TIMEOUT)
    return netlink


def dump(netlink: socket.socket, kind: int, body: bytes, sequence: int = 1) -> Iterator[Message]:
    """Yield the messages that the kernel answers to one request for a dump.

    Raises `OSError` when the kernel refuses or does not answer.
    """
    length = HEADER.size + len(body)
    header = HEADER.pack(length, kind, NLM_F_REQUEST | NLM_F_DUMP, sequence, 0)
    netlink.sendto(header + body, (KERNEL, 0))
    while True:
        for answer, content in messages(_datagram(netlink), sequence):
            if answer in (NLMSG_DONE, NLMSG_ERROR):
                raise_error(content)
                return
            yield answer, content


def _datagram(netlink: socket.socket) -> bytes:
    sender = None
    while sender != KERNEL:
        try:
            datagram, (sender, _) = netlink.recvfrom(DATAGRAM_BYTES)
        except TimeoutError:
            raise TimeoutError(errno.ETIMEDOUT, "the kernel does not answer") from None
    return datagram


def messages(datagram: bytes, sequence: int) -> Iterator[Message]:
    """Yield the messages with this sequence number; raises `OSError` for one that is cut off."""
    for (_, kind, flags, number, _), content in records(HEADER, datagram):
        if number == sequence:
            if flags & NLM_F_DUMP_INTR:
                raise DumpInterrupted(errno.EAGAIN, "it changed while it was read")
            yield kind, content


def records(header: struct.Struct, data: bytes) -> Iterator[tuple[tuple[int, ...], bytes]]:
    """Yield the header and the content of each record.

    A record begins at a multiple of 4 bytes. Its header begins with the length of both. Raises
    `OSError` for a record that is cut off.
    """
    offset, size, end = 0, header.size, len(data)
    while offset + size <= end:
        fields = header.unpack_from(data, offset)
        length = fields[0]
        if not size <= length <= end - offset:
            raise OSError(errno.EBADMSG, "a message is cut off")
        yield fields, data[offset + size : offset + length]
        offset += (length + 3) & ~3


def raise_error(content: bytes) -> None:
    """Raise the `OSError` that an error message holds, unless it only says that all went well."""
    number = -_ERROR_NUMBER.unpack_from(content)[0] if len(content) >= _ERROR_NUMBER.size else 0
    if number:
        known = number if number in errno.errorcode else errno.EBADMSG
        raise OSError(known, os.strerror(known))
