"""The kernel's main routing table, by rtnetlink(7). Used by `routing_table`.

/proc/net/route is not enough: it shows one hop of several, and a blackhole like any other route.
For IPv6 it has neither table nor type.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from attrs import evolve, frozen

from checks._kernel import netlink

IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

# The numbers and structures of <linux/netlink.h> and <linux/rtnetlink.h>, under their names there.
NETLINK_ROUTE = 0
SOL_NETLINK, NETLINK_GET_STRICT_CHK = 270, 12
RTM_NEWROUTE, RTM_GETROUTE = 24, 26
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY = 1, 4, 5, 6
RTA_MULTIPATH, RTA_TABLE, RTA_VIA = 9, 15, 18
RT_TABLE_MAIN = 254
RTM_F_CLONED = 0x200
RTNH_F_DEAD = 0x1
RTN_UNICAST = 1
NLA_TYPE_MASK = 0x3FFF

REFUSALS = {6: "blackhole", 7: "unreachable", 8: "prohibit", 9: "throw"}
"""The types of the routes that drop what they get, by the names that `ip route` gives them."""

ROUTE = struct.Struct("=BBBBBBBBI")
"""`struct rtmsg`."""

ATTRIBUTE = struct.Struct("=HH")
"""`struct rtattr`: length with this header, type."""

HOP = struct.Struct("=HBBi")
"""`struct rtnexthop`: length with this header, flags, weight, index of the interface."""

NUMBER = struct.Struct("=I")
"""The content of an attribute that is a number."""

MAX_ATTEMPTS = 5
"""How often the table is read at most, if it changes while it is read."""


@frozen
class Hop:
    """Where a route leads."""

    gateway: IpAddress | None = None
    """None: the destination is reached directly."""

    interface: int = 0
    """The index of the interface."""

    dead: bool = False
    """Whether the kernel does not use it, since its interface is down."""


@frozen
class Route:
    """One route."""

    destination: IpNetwork
    hops: tuple[Hop, ...] = ()
    metric: int = 0
    refusal: str = ""
    """Its type if it drops what it gets, such as "blackhole". It then has no hops."""


def read_routes(family: socket.AddressFamily) -> list[Route]:
    """Return the routes of the main table in the kernel's order; blocks.

    Raises `OSError`.
    """
    for _ in range(MAX_ATTEMPTS):
        with contextlib.suppress(netlink.DumpInterrupted):
            return list(_dumped_routes(family))
    raise OSError(errno.EAGAIN, "it changes faster than it can be read")


def _dumped_routes(family: socket.AddressFamily) -> Iterator[Route]:
    request = ROUTE.pack(family, 0, 0, 0, RT_TABLE_MAIN, 0, 0, 0, 0)
    with netlink.connect(NETLINK_ROUTE) as sock:
        with contextlib.suppress(OSError):  # before Linux 4.20 all tables come
            sock.setsockopt(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)
        with contextlib.suppress(FileNotFoundError):  # without any route there may be no table
            for kind, content in netlink.dump(sock, RTM_GETROUTE, request):
                if kind == RTM_NEWROUTE and (route := parse_route(content, family)):
                    yield route


def parse_attributes(content: bytes) -> dict[int, bytes]:
    """Return the attributes by type, the last of each; raises `OSError` for one that is cut off."""
    return {kind & NLA_TYPE_MASK: value for (_, kind), value in netlink.records(ATTRIBUTE, content)}


def parse_route(content: bytes, family: socket.AddressFamily) -> Route | None:
    """Return the route of an RTM_NEWROUTE, None for one that does not count.

    Only routes of the main table count. Those for one source, for one type of service or for the
    kernel's own use do not. Raises `OSError` for a message that is cut off.
    """
    if len(content) < ROUTE.size:
        return None
    of, length, source, tos, table, _, _, kind, flags = ROUTE.unpack_from(content)
    attributes = parse_attributes(content[ROUTE.size :])
    table = _number(attributes.get(RTA_TABLE), table)
    if (of, source, tos, table) != (family, 0, 0, RT_TABLE_MAIN) or flags & RTM_F_CLONED:
        return None
    destination = _network(attributes.get(RTA_DST, b""), length, family)
    if destination is None or (kind != RTN_UNICAST and kind not in REFUSALS):
        return None
    metric = _number(attributes.get(RTA_PRIORITY), 0)
    if kind in REFUSALS:
        return Route(destination, metric=metric, refusal=REFUSALS[kind])
    hops = parse_hops(attributes.get(RTA_MULTIPATH, b"")) or [_hop(attributes, flags)]
    return Route(destination, tuple(hop for hop in hops if not hop.dead), metric)


def parse_hops(content: bytes) -> list[Hop]:
    """Return the hops of an RTA_MULTIPATH; raises `OSError` for one that is cut off."""
    return [
        evolve(_hop(parse_attributes(attributes), flags), interface=interface)
        for (_, flags, _, interface), attributes in netlink.records(HOP, content)
    ]


def _hop(attributes: dict[int, bytes], flags: int) -> Hop:
    gateway = _address(attributes.get(RTA_GATEWAY, b""))
    if gateway is None:  # a gateway of the other family
        gateway = _address(attributes.get(RTA_VIA, b"")[2:])
    return Hop(gateway, _number(attributes.get(RTA_OIF), 0), bool(flags & RTNH_F_DEAD))


def _number(content: bytes | None, default: int) -> int:
    if content is None or len(content) != NUMBER.size:
        return default
    return int(NUMBER.unpack(content)[0])


def _address(content: bytes) -> IpAddress | None:
    """Return the address, None where all bytes are zero."""
    if not any(content) or len(content) not in (4, 16):
        return None
    return ipaddress.ip_address(content)


def _network(content: bytes, length: int, family: socket.AddressFamily) -> IpNetwork | None:
    """Return the destination. Without an address it is that of the default route."""
    size = 16 if family == socket.AF_INET6 else 4
    with contextlib.suppress(ValueError):
        if len(content or bytes(size)) == size:
            return ipaddress.ip_network((content or bytes(size), length))
    return None


def to(destination: IpNetwork, routes: Iterable[Route]) -> list[Route]:
    """Return the routes to exactly this destination, in the order in which the kernel uses them."""
    return sorted(
        (route for route in routes if route.destination == destination and _leads(route)),
        key=lambda route: route.metric,
    )


def _leads(route: Route) -> bool:
    return bool(route.hops or route.refusal)


def used(routes: Sequence[Route]) -> list[Route]:
    """Return those of the routes to one destination that the kernel uses.

    In IPv4 it uses the first one with the lowest metric. In IPv6 all with it share the traffic.
    """
    best = [route for route in routes if route.metric == routes[0].metric]
    return best[:1] if routes[0].destination.version == 4 else best
