"""The kernel's main routing table, by rtnetlink(7). Used by `routing_table`.

Not by /proc/net/route, which shows one hop of several, takes a blackhole for a route, and says
of IPv6 neither table nor type.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from attrs import evolve, frozen

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

NETLINK_ROUTE = 0
SOL_NETLINK, NETLINK_GET_STRICT_CHK = 270, 12
NLMSG_ERROR, NLMSG_DONE, RTM_NEWROUTE, RTM_GETROUTE = 2, 3, 24, 26
NLM_F_REQUEST, NLM_F_DUMP, NLM_F_DUMP_INTR = 0x1, 0x300, 0x10
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY = 1, 4, 5, 6
RTA_MULTIPATH, RTA_TABLE, RTA_VIA = 9, 15, 18
RT_TABLE_MAIN = 254
RTM_F_CLONED = 0x200
RTNH_F_DEAD = 0x1
UNICAST = 1
REFUSALS = {6: "blackhole", 7: "unreachable", 8: "prohibit", 9: "throw"}
NLA_TYPE_MASK = 0x3FFF

HEADER = struct.Struct("=IHHII")
ROUTE = struct.Struct("=BBBBBBBBI")
ATTRIBUTE = struct.Struct("=HH")
HOP = struct.Struct("=HBBi")
NUMBER = struct.Struct("=I")

REPLY = 64 * 1024
ATTEMPTS = 5


@frozen
class Hop:
    """Where a route leads: to a gateway, if any, by the interface of this index."""

    gateway: Address | None = None
    interface: int = 0
    dead: bool = False


@frozen
class Route:
    """One route. `refusal` is its type if it drops what it gets; then it has no hops."""

    destination: Network
    hops: tuple[Hop, ...] = ()
    metric: int = 0
    refusal: str = ""


class TableChanged(OSError):
    """The table changed while it was read, time and again."""


def read_routes(family: socket.AddressFamily) -> list[Route]:
    """Return the routes of the main table in the kernel's order; blocks.

    Raises `OSError`.
    """
    for _ in range(ATTEMPTS):
        messages, interrupted = _dump(family)
        if not interrupted:
            found = (parse_route(message, family) for message in messages)
            return [route for route in found if route is not None]
    raise TableChanged(errno.EAGAIN, "it changes faster than it can be read")


def _dump(family: socket.AddressFamily) -> tuple[list[bytes], bool]:
    """Return the kernel's messages, and whether the table changed meanwhile."""
    request = ROUTE.pack(family, 0, 0, 0, RT_TABLE_MAIN, 0, 0, 0, 0)
    size = HEADER.size + len(request)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE) as sock:
        with contextlib.suppress(OSError):  # before Linux 4.20 all tables come
            sock.setsockopt(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)
        sock.sendto(
            HEADER.pack(size, RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + request, (0, 0)
        )
        found, interrupted = [], False
        while True:
            reply, (sender, _) = sock.recvfrom(REPLY)
            if sender != 0:  # any process may write to us, only the kernel is 0
                continue
            for kind, flags, content in parse_messages(reply):
                interrupted |= bool(flags & NLM_F_DUMP_INTR)
                if kind == RTM_NEWROUTE:
                    found.append(content)
                elif kind in (NLMSG_DONE, NLMSG_ERROR):
                    _raise_error(content)
                    return found, interrupted


def _raise_error(content: bytes) -> None:
    number = -struct.unpack_from("=i", content)[0] if len(content) >= NUMBER.size else 0
    if number not in (0, errno.ENOENT):  # without any route there may be no table
        raise OSError(number, os.strerror(number))


def parse_messages(reply: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield type, flags and content of each netlink message; a torn one ends it."""
    at = 0
    while at + HEADER.size <= len(reply):
        size, kind, flags, _, _ = HEADER.unpack_from(reply, at)
        if not HEADER.size <= size <= len(reply) - at:
            return
        yield kind, flags, reply[at + HEADER.size : at + size]
        at += -(-size // 4) * 4


def parse_attributes(content: bytes) -> dict[int, bytes]:
    """Return the attributes by type, the last of each; a torn one ends it."""
    found, at = {}, 0
    while at + ATTRIBUTE.size <= len(content):
        size, kind = ATTRIBUTE.unpack_from(content, at)
        if not ATTRIBUTE.size <= size <= len(content) - at:
            break
        found[kind & NLA_TYPE_MASK] = content[at + ATTRIBUTE.size : at + size]
        at += -(-size // 4) * 4
    return found


def parse_route(content: bytes, family: socket.AddressFamily) -> Route | None:
    """Return the route of an RTM_NEWROUTE, or None for what is none of the main table.

    Routes for one source or type of service only, and those for the kernel's own use, are none.
    """
    if len(content) < ROUTE.size:
        return None
    of, length, source, tos, table, _, _, kind, flags = ROUTE.unpack_from(content)
    attributes = parse_attributes(content[ROUTE.size :])
    table = _number(attributes.get(RTA_TABLE), table)
    if (of, source, tos, table) != (family, 0, 0, RT_TABLE_MAIN) or flags & RTM_F_CLONED:
        return None
    destination = _network(attributes.get(RTA_DST, b""), length, family)
    if destination is None or (kind != UNICAST and kind not in REFUSALS):
        return None
    metric = _number(attributes.get(RTA_PRIORITY), 0)
    if kind in REFUSALS:
        return Route(destination, metric=metric, refusal=REFUSALS[kind])
    hops = parse_hops(attributes.get(RTA_MULTIPATH, b"")) or [_hop(attributes, flags)]
    return Route(destination, tuple(hop for hop in hops if not hop.dead), metric)


def parse_hops(content: bytes) -> list[Hop]:
    """Return the hops of an RTA_MULTIPATH; a torn one ends it."""
    found, at = [], 0
    while at + HOP.size <= len(content):
        size, flags, _, interface = HOP.unpack_from(content, at)
        if not HOP.size <= size <= len(content) - at:
            break
        attributes = parse_attributes(content[at + HOP.size : at + size])
        found.append(evolve(_hop(attributes, flags), interface=interface))
        at += -(-size // 4) * 4
    return found


def _hop(attributes: dict[int, bytes], flags: int) -> Hop:
    gateway = _address(attributes.get(RTA_GATEWAY, b""))
    if gateway is None:  # a gateway of the other family
        gateway = _address(attributes.get(RTA_VIA, b"")[2:])
    return Hop(gateway, _number(attributes.get(RTA_OIF), 0), bool(flags & RTNH_F_DEAD))


def _number(content: bytes | None, default: int) -> int:
    if content is None or len(content) != NUMBER.size:
        return default
    return int(NUMBER.unpack(content)[0])


def _address(content: bytes) -> Address | None:
    """Return the address, None for all zeros, which is none."""
    if not any(content) or len(content) not in (4, 16):
        return None
    return ipaddress.ip_address(content)


def _network(content: bytes, length: int, family: socket.AddressFamily) -> Network | None:
    """Return the destination; without an address it is the default route."""
    size = 16 if family == socket.AF_INET6 else 4
    with contextlib.suppress(ValueError):
        if len(content or bytes(size)) == size:
            return ipaddress.ip_network((content or bytes(size), length))
    return None


def to(destination: Network, routes: Iterable[Route]) -> list[Route]:
    """Return the routes to exactly this destination, those first that the kernel uses first."""
    return sorted(
        (route for route in routes if route.destination == destination and _leads(route)),
        key=lambda route: route.metric,
    )


def _leads(route: Route) -> bool:
    return bool(route.hops or route.refusal)


def used(routes: Sequence[Route]) -> list[Route]:
    """Return those of the routes to one destination that the kernel uses.

    In IPv4 that is the first of the lowest metric; in IPv6 all of it share the traffic.
    """
    best = [route for route in routes if route.metric == routes[0].metric]
    return best[:1] if routes[0].destination.version == 4 else best
