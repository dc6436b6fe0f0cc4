"""The default routes: a module of `routing_table`."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from supervisor.discover.draft import Draft, Finding, Item, quoted

_UP, _GATEWAY, _REJECT = 0x1, 0x2, 0x200
"""Flags of a route."""


@frozen
class DefaultRoute:
    """A route to everywhere."""

    network: str
    gateway: str
    """Empty: there is none."""
    interface: str
    metric: int


def routes() -> Finding:
    """Return a module with the default routes that are in use, at most one of each family."""
    used: dict[str, DefaultRoute] = {}
    for route in (*_ipv4(), *_ipv6()):
        if route.network not in used or route.metric < used[route.network].metric:
            used[route.network] = route
    items = tuple(map(_item, used.values()))
    about = "The way to other networks."
    draft = Draft("routing_table", about, items, key="routes", every="5m")
    if not items:
        return Finding(left_out=("routes: this host has no default route",))
    return Finding((draft,))


def _item(route: DefaultRoute) -> Item:
    gateway = f", gateway = {quoted(route.gateway)}" if route.gateway else ""
    text = f"destination = {quoted(route.network)}{gateway}, interface = {quoted(route.interface)}"
    return Item(f"{{ {text} }}", instance=route.network)


def _ipv4() -> Iterator[DefaultRoute]:
    """Yield the default routes of /proc/net/route, whose addresses are in the host's byte order."""
    for fields in _rows("/proc/net/route"):
        if len(fields) < 8 or fields[1] != "00000000" or fields[7] != "00000000":
            continue
        flags = int(fields[3], 16)
        if flags & _UP and not flags & _REJECT:
            raw = int(fields[2], 16).to_bytes(4, sys.byteorder)
            gateway = str(ipaddress.IPv4Address(raw)) if flags & _GATEWAY else ""
            yield DefaultRoute("0.0.0.0/0", gateway, fields[0], int(fields[6]))


def _ipv6() -> Iterator[DefaultRoute]:
    for fields in _rows("/proc/net/ipv6_route"):
        if len(fields) < 10 or int(fields[0], 16) or fields[1] != "00":
            continue
        flags = int(fields[8], 16)
        if flags & _UP and not flags & _REJECT and fields[9] != "lo":
            address = str(ipaddress.IPv6Address(bytes.fromhex(fields[4])))
            gateway = address if flags & _GATEWAY else ""
            yield DefaultRoute("::/0", gateway, fields[9], int(fields[5], 16))


def _rows(path: str) -> list[list[str]]:
    with suppress(OSError):
        return [line.split() for line in Path(path).read_text("ascii").splitlines()]
    return []
