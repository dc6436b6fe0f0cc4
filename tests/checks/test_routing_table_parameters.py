"""Which routes `routing_table` can want, and what it refuses."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import routing_table
from checks._kernel import routes as kernel_routes
from checks.routing_table import Params, WantedRoute
from tests.checks.wanted_routes import ANY, DEFAULT, NET


def test_the_event_type_is_that_of_the_route() -> None:
    table: list[kernel_routes.Route] = []
    condition = routing_table._condition(WantedRoute(ANY, event_type="S"), table)

    assert condition is not None
    assert condition.event_type == "S"


@pytest.mark.parametrize(
    ("given", "network"),
    [
        ({"destination": ANY}, "0.0.0.0/0"),
        ({"destination": "default"}, "0.0.0.0/0"),
        ({"destination": "default", "gateway": "fe80::1"}, "::/0"),
        ({"destination": "::"}, "::/0"),
        ({"destination": "192.0.2.1"}, "192.0.2.1/32"),
        ({"destination": "2001:db8::1"}, "2001:db8::1/128"),
        ({"destination": "192.0.2.0", "netmask": "255.255.255.0"}, "192.0.2.0/24"),
        ({"destination": "192.0.2.0", "netmask": "/24"}, "192.0.2.0/24"),
        ({"destination": "192.0.2.0", "netmask": 24}, "192.0.2.0/24"),
        ({"destination": "192.0.2.0/255.255.255.0"}, "192.0.2.0/24"),
        ({"destination": "192.0.2.0/24", "netmask": "255.255.255.0"}, "192.0.2.0/24"),
        ({"destination": "192.0.2.1", "netmask": "255.255.255.255"}, "192.0.2.1/32"),
        ({"destination": "128.0.0.0", "netmask": 1}, "128.0.0.0/1"),
        ({"destination": "2001:db8::", "netmask": "32"}, "2001:db8::/32"),
        ({"destination": "2001:db8::", "netmask": "ffff:ffff::"}, "2001:db8::/32"),
    ],
)
def test_a_destination_is_read(given: dict[str, Any], network: str) -> None:
    assert str(WantedRoute(**given).network) == network


@pytest.mark.parametrize("gateway", ["", "*", ANY, "::", "0::0"])
def test_no_gateway_is_written_in_several_ways(gateway: str) -> None:
    assert WantedRoute("192.0.2.0/24", gateway).hop_gateway is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"destination": ""},
            "destination '' is not an IP address; write for example '127.0.14.1'$",
        ),
        (
            {"destination": "host.example.invalid"},
            "destination 'host.example.invalid' is not an IP",
        ),
        (
            {"destination": "192.0.2.0/"},
            "netmask '' is not one of IPv4; write 255.255.255.0 or",
        ),
        ({"destination": "192.0.2.0/33"}, "netmask '33' is not one of IPv4"),
        ({"destination": "192.0.2.0", "netmask": -1}, "netmask '-1' is not one of IPv4"),
        ({"destination": "192.0.2.0", "netmask": "255.0.255.0"}, "'255.0.255.0' is not one"),
        ({"destination": "192.0.2.0", "netmask": "0.0.0.255"}, "'0.0.0.255' is not one of"),
        ({"destination": "2001:db8::", "netmask": "255.255.255.0"}, "not one of IPv6; write /64"),
        ({"destination": "192.0.2.0", "netmask": "ffff::"}, "'ffff::' is not one of IPv4"),
        ({"destination": "192.0.2.5/24"}, "a network; write 192.0.2.0/24$"),
        ({"destination": "192.0.2.0", "netmask": 0}, "a network; write 0.0.0.0/0$"),
        ({"destination": "192.0.2.0/24", "netmask": 16}, "contradict each other; leave"),
        ({"destination": ANY, "gateway": "fe80::1"}, "are not both IPv4; correct one"),
        ({"destination": "2001:db8::/32", "gateway": "127.0.0.1"}, "are not both IPv6"),
        ({"destination": "::", "gateway": "fe80::1%bond1"}, "has a zone; write it as the int"),
        ({"destination": "::", "gateway": "gateway"}, "^'gateway' is not an IP address"),
        ({"destination": "::", "interface": "bond 1"}, "^'bond 1' is not the name of an interface"),
        (
            {"destination": "::", "interface": "x" * 16},
            "is not the name of an interface; write for",
        ),
        ({"destination": "::", "interface": "a/b"}, "^'a/b' is not the name of an interface"),
        ({"destination": "::", "event_type": ""}, "^is empty; write for example 'E'"),
    ],
)
def test_an_impossible_route_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WantedRoute(**given)


HOSTILE = st.one_of(
    st.text(max_size=12),
    st.text(st.sampled_from("0123456789abcdef.:/%*- "), max_size=40),
    st.ip_addresses().map(str),
    st.tuples(st.ip_addresses(), st.integers(-1, 130)).map(lambda p: f"{p[0]}/{p[1]}"),
)


@given(HOSTILE, HOSTILE, st.one_of(HOSTILE, st.integers(-1, 999)), HOSTILE)
def test_any_text_is_a_route_or_refused(
    destination: str, gateway: str, netmask: str | int, interface: str
) -> None:
    with contextlib.suppress(ValueError):  # which the reader of the service file explains
        wanted = WantedRoute(destination, gateway, netmask, interface)

        assert str(wanted.network)
        assert wanted.hop_gateway is None or wanted.hop_gateway.version == wanted.network.version


def test_a_route_that_is_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^has 0\.0\.0\.0/0 more than once; keep one of them$"):
        Params((DEFAULT, NET, WantedRoute("default", "192.0.2.2")))
