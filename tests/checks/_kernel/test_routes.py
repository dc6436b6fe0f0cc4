"""The messages of rtnetlink: as the kernel sends them, and any bytes."""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._kernel import netlink
from checks._kernel import routes as kernel_routes
from checks._kernel.routes import (
    Hop,
    Route,
    parse_attributes,
    parse_hops,
    parse_route,
    read_routes,
    to,
    used,
)

V4, V6 = socket.AF_INET, socket.AF_INET6
MAIN = kernel_routes.RT_TABLE_MAIN

ADDRESSES = {
    V4: st.ip_addresses(v=4),
    V6: st.ip_addresses(v=6),
}
NUMBERS = st.integers(0, 2**32 - 1)
INDEXES = st.integers(1, 2**31 - 1)


def attribute(kind: int, content: bytes) -> bytes:
    """Return an attribute as the kernel aligns it."""
    return struct.pack("=HH", 4 + len(content), kind) + content + bytes(-len(content) % 4)


def hop(interface: int, flags: int, attributes: bytes) -> bytes:
    return struct.pack("=HBBi", 8 + len(attributes), flags, 0, interface) + attributes


def message(kind: int, content: bytes, flags: int = 0) -> bytes:
    header = struct.pack("=IHHII", 16 + len(content), kind, flags, 1, 0)
    return header + content + bytes(-len(content) % 4)


def route(
    family: int,
    length: int,
    attributes: bytes = b"",
    *,
    kind: int = 1,
    table: int = MAIN,
    source: int = 0,
    tos: int = 0,
    flags: int = 0,
) -> bytes:
    return struct.pack("=BBBBBBBBI", family, length, source, tos, table, 0, 0, kind, flags) + (
        attributes
    )


def network(text: str) -> kernel_routes.IpNetwork:
    return ipaddress.ip_network(text)


@given(st.data(), st.sampled_from([V4, V6]), NUMBERS, INDEXES)
def test_any_route_is_read_as_it_is(
    data: st.DataObject, family: socket.AddressFamily, metric: int, interface: int
) -> None:
    address = data.draw(ADDRESSES[family])
    gateway = data.draw(ADDRESSES[family].filter(lambda found: not found.is_unspecified))
    length = data.draw(st.integers(0, address.max_prefixlen))
    destination = ipaddress.ip_network((address, length), strict=False)
    attributes = (
        attribute(kernel_routes.RTA_TABLE, struct.pack("=I", MAIN)),
        attribute(kernel_routes.RTA_DST, destination.network_address.packed),
        attribute(kernel_routes.RTA_PRIORITY, struct.pack("=I", metric)),
        attribute(kernel_routes.RTA_GATEWAY, gateway.packed),
        attribute(kernel_routes.RTA_OIF, struct.pack("=I", interface)),
    )
    shuffled = b"".join(data.draw(st.permutations(attributes)))

    expected = Route(destination, (Hop(gateway, interface),), metric)
    assert expected == parse_route(route(family, length, shuffled), family)


def test_a_default_route_has_no_address() -> None:
    attributes = attribute(kernel_routes.RTA_OIF, struct.pack("=I", 3))

    expected = Route(network("::/0"), (Hop(None, 3),))
    assert expected == parse_route(route(V6, 0, attributes), V6)


def test_the_hops_of_a_route_with_several_are_read() -> None:
    one = hop(3, 0, attribute(kernel_routes.RTA_GATEWAY, bytes([127, 0, 0, 1])))
    dead = hop(
        4, kernel_routes.RTNH_F_DEAD, attribute(kernel_routes.RTA_GATEWAY, bytes([127, 0, 0, 2]))
    )
    via = attribute(
        kernel_routes.RTA_VIA, struct.pack("=H", V6) + ipaddress.ip_address("::1").packed
    )
    hops = attribute(kernel_routes.RTA_MULTIPATH, one + dead + hop(5, 0, via))

    expected = (
        Hop(ipaddress.ip_address("127.0.0.1"), 3),
        Hop(ipaddress.ip_address("::1"), 5),
    )
    assert parse_route(route(V4, 0, hops), V4) == Route(network("0.0.0.0/0"), expected)


@pytest.mark.parametrize(
    "given",
    [
        {"table": 255},
        {"table": 100},
        {"kind": 2},
        {"kind": 3},
        {"kind": 5},
        {"source": 64},
        {"tos": 16},
        {"flags": kernel_routes.RTM_F_CLONED},
    ],
)
def test_only_a_route_for_all_in_the_main_table_is_a_route(given: dict[str, int]) -> None:
    assert parse_route(route(V4, 0, **given), V4) is None  # type: ignore[arg-type]  # ints by name


def test_a_route_of_the_other_family_is_none() -> None:
    assert parse_route(route(V4, 0), V6) is None


def test_a_dead_route_leads_nowhere() -> None:
    dead = parse_route(route(V4, 0, flags=kernel_routes.RTNH_F_DEAD), V4)

    assert dead == Route(network("0.0.0.0/0"), ())
    assert to(dead.destination, [dead]) == []


def test_routes_are_sorted_by_metric_and_the_first_is_used() -> None:
    default = network("0.0.0.0/0")
    one, two, three, four = (
        Route(default, (Hop(None, number),), metric)
        for number, metric in ((1, 200), (2, 100), (3, 100), (4, 300))
    )
    other = Route(network("203.0.113.0/24"), (Hop(None, 1),))
    found = to(default, [one, other, two, three, four])

    assert found == [two, three, one, four]
    assert used(found) == [two]


def test_in_ipv6_all_of_the_lowest_metric_are_used() -> None:
    routes = [
        Route(network("::/0"), (Hop(None, number),), metric)
        for number, metric in ((1, 1024), (2, 1024), (3, 2048))
    ]

    assert used(routes) == routes[:2]


def test_attributes_are_aligned() -> None:
    attributes = attribute(1, b"a") + attribute(2 | 0x8000, b"bcdef") + attribute(1, b"")

    assert parse_attributes(attributes) == {1: b"", 2: b"bcdef"}


BYTES = st.one_of(
    st.binary(max_size=120),
    st.lists(
        st.one_of(
            st.binary(max_size=6),
            st.integers(0, 2**16 - 1).map(lambda number: struct.pack("=H", number)),
            st.tuples(st.integers(0, 20), st.binary(max_size=40)).map(lambda p: attribute(*p)),
            st.tuples(st.integers(-9, 9), st.integers(0, 255), st.binary(max_size=20)).map(
                lambda p: hop(*p)
            ),
        ),
        max_size=8,
    ).map(b"".join),
)


@given(BYTES)
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with suppress(OSError):
        assert all(value in content for value in parse_attributes(content).values())
    with suppress(OSError):
        assert all(isinstance(found, Hop) for found in parse_hops(content))


@given(
    BYTES,
    st.sampled_from([V4, V6]),
    st.integers(0, 255),
    st.sampled_from([1, 2, 6, 7, 8, 9, 255]),
)
def test_any_attributes_make_a_route_or_none_or_are_refused(
    content: bytes, family: socket.AddressFamily, length: int, kind: int
) -> None:
    try:
        found = parse_route(route(family, length, content, kind=kind), family)
    except OSError:
        return

    assert found is None or found.destination.prefixlen == length
    assert found is None or to(found.destination, [found]) in ([found], [])


@given(st.binary(max_size=60))
def test_any_message_is_a_route_or_none_or_is_refused(content: bytes) -> None:
    with suppress(OSError):
        assert isinstance(parse_route(content, V4), Route | None)


class Kernel:
    """Answers each dump with the next of these replies; each datagram has its sender's port."""

    def __init__(self, *replies: Iterable[tuple[bytes, int]]) -> None:
        self.replies = list(replies)
        self.dumps = 0

    def __call__(self, *_: object) -> Kernel:
        self.left = list(self.replies[min(self.dumps, len(self.replies) - 1)])
        self.dumps += 1
        return self

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *_: object) -> None: ...

    def setsockopt(self, *_: object) -> None:
        raise OSError(errno.ENOPROTOOPT, "an old kernel")

    def settimeout(self, *_: object) -> None: ...

    def sendto(self, *_: object) -> None: ...

    def recvfrom(self, _: int) -> tuple[bytes, tuple[int, int]]:
        content, sender = self.left.pop(0)
        return content, (sender, 0)


DONE = message(3, bytes(4))
DEFAULT = message(24, route(V4, 0, attribute(kernel_routes.RTA_OIF, struct.pack("=I", 3))))


def test_only_the_kernel_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel([(DONE, 4711), (DEFAULT, 0), (DEFAULT, 4711), (DONE, 0)])
    monkeypatch.setattr(socket, "socket", kernel)

    assert read_routes(V4) == [Route(network("0.0.0.0/0"), (Hop(None, 3),))]
    assert kernel.dumps == 1


def test_a_table_that_changes_while_it_is_read_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changed = message(3, bytes(4), flags=netlink.NLM_F_DUMP_INTR)
    kernel = Kernel([(DEFAULT + changed, 0)], [(DONE, 0)])
    monkeypatch.setattr(socket, "socket", kernel)
    assert read_routes(V4) == []
    assert kernel.dumps == 2

    monkeypatch.setattr(socket, "socket", Kernel([(DEFAULT + changed, 0)]))
    with pytest.raises(OSError, match="it changes faster than it can be read"):
        read_routes(V4)


@pytest.mark.parametrize("kind", [netlink.NLMSG_ERROR, netlink.NLMSG_DONE])
def test_an_error_of_the_kernel_is_raised(monkeypatch: pytest.MonkeyPatch, kind: int) -> None:
    refused = message(kind, struct.pack("=i", -errno.EPERM) + bytes(16))
    monkeypatch.setattr(socket, "socket", Kernel([(refused, 0)]))
    with pytest.raises(OSError, match="Operation not permitted"):
        read_routes(V4)


def test_without_a_table_there_is_no_route(monkeypatch: pytest.MonkeyPatch) -> None:
    none = message(netlink.NLMSG_ERROR, struct.pack("=i", -errno.ENOENT) + bytes(16))
    monkeypatch.setattr(socket, "socket", Kernel([(none, 0)]))

    assert read_routes(V4) == []


def test_the_routes_of_this_machine_are_read() -> None:
    for family in (V4, V6):
        assert all(isinstance(found, Route) for found in read_routes(family))
