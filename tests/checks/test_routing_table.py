"""The `routing_table` check on real routes in a network namespace: added, replaced, removed."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator, Sequence
from typing import NoReturn

import pytest

from checks import routing_table
from checks.routing_table import Params, WantedRoute
from supervisor.api import CheckFailed, Condition
from tests.checks.wanted_routes import ANY, DEFAULT, NET
from tests.support.check_context import context
from tests.support.network_namespace import Host, host, needs_root

NET6 = WantedRoute("2001:db8:1::/48", "2001:db8::1", interface="bond1")


@pytest.fixture
def there() -> Iterator[Host]:
    with host() as made:
        yield made


@pytest.fixture
def connected(there: Host) -> Host:
    there.ip("address add 192.0.2.9/24 dev bond1")
    there.ip("address add 198.51.100.9/24 dev eth9")
    there.ip("address add 2001:db8::9/64 dev bond1 nodad")
    there.ip("address add 2001:db8:9::9/64 dev eth9 nodad")
    return there


@needs_root
def test_a_host_without_any_route_misses_them_all(there: Host) -> None:
    assert there.look(DEFAULT, NET, NET6) == [
        Condition(
            "Route missing",
            "E",
            "0.0.0.0/0",
            "there is no route to 0.0.0.0/0; expected via 192.0.2.1 by bond1",
        ),
        Condition(
            "Route missing",
            "E",
            "192.0.2.0/24",
            "there is no route to 192.0.2.0/24; expected direct by bond1",
        ),
        Condition(
            "Route missing",
            "E",
            "2001:db8:1::/48",
            "there is no route to 2001:db8:1::/48; expected via 2001:db8::1 by bond1",
        ),
    ]


@needs_root
def test_a_route_is_missing_until_it_is_added_and_again_when_it_is_removed(
    connected: Host,
) -> None:
    identities = []
    for action in ("", "add", "del"):
        if action:
            connected.ip(f"route {action} default via 192.0.2.1 dev bond1")
            connected.ip(f"-6 route {action} 2001:db8:1::/48 via 2001:db8::1 dev bond1")
        seen = connected.look(NET, DEFAULT, NET6)
        identities.append([(found.alertname, found.instance) for found in seen])

    missing = [("Route missing", "0.0.0.0/0"), ("Route missing", "2001:db8:1::/48")]
    assert identities == [missing, [], missing]


def said_of_each(
    there: Host, command: str, routes: Sequence[str], wanted: WantedRoute
) -> list[list[str]]:
    """Replace a route by each of these, and return what the check says of each."""
    said = []
    for route in routes:
        there.ip(f"{command} {route}")
        said.append(there.say(wanted))
    return said


@needs_root
def test_another_gateway_or_interface_is_a_change_until_it_is_replaced(connected: Host) -> None:
    connected.ip("route add default via 192.0.2.7 dev bond1")
    (gateway,) = connected.look(DEFAULT)
    routes = (
        "via 198.51.100.1 dev eth9",
        "via 192.0.2.1 dev eth9 onlink",
        "dev bond1",
        "via 192.0.2.1 dev bond1",
    )
    said = said_of_each(connected, "route replace default", routes, DEFAULT)

    message = "the route to 0.0.0.0/0 is {}; expected via 192.0.2.1 by bond1"
    expected = message.format("via 192.0.2.7 by bond1")
    assert gateway == Condition("Route changed", "E", "0.0.0.0/0", expected)
    assert said == [
        [message.format("via 198.51.100.1 by eth9")],
        [message.format("via 192.0.2.1 by eth9")],
        [message.format("direct by bond1")],
        [],
    ]


@needs_root
def test_another_gateway_or_interface_is_a_change_in_ipv6(connected: Host) -> None:
    routes = (
        "via 2001:db8::7 dev bond1",
        "via 2001:db8:9::1 dev eth9",
        "via 2001:db8::1 dev bond1",
    )
    said = said_of_each(connected, "-6 route replace 2001:db8:1::/48", routes, NET6)

    message = "the route to 2001:db8:1::/48 is {} metric 1024; expected via 2001:db8::1 by bond1"
    assert said == [
        [message.format("via 2001:db8::7 by bond1")],
        [message.format("via 2001:db8:9::1 by eth9")],
        [],
    ]


@needs_root
def test_connected_and_default_routes_of_ipv6_are_seen(connected: Host) -> None:
    connected.ip("-6 route add default via fe80::1 dev bond1")

    assert (
        connected.say(
            WantedRoute("2001:db8::", netmask=64, interface="bond1"),
            WantedRoute("::", "fe80::1", interface="bond1"),
            WantedRoute("2001:db8:9::/64", gateway="::"),
        )
        == []
    )
    assert connected.say(WantedRoute("default", "fe80::1")) == []
    assert len(connected.say(WantedRoute("2001:db8::9"))) == 1  # only the table `local` has it


@needs_root
def test_of_two_routes_the_one_with_the_lower_metric_counts(connected: Host) -> None:
    connected.ip("route add default via 192.0.2.1 dev bond1 metric 100")
    connected.ip("route add default via 198.51.100.1 dev eth9 metric 200")
    right = connected.say(DEFAULT)
    connected.ip("route add default via 192.0.2.7 dev bond1 metric 50")
    behind = connected.say(DEFAULT)
    connected.ip("route del default via 192.0.2.1 dev bond1 metric 100")
    gone = connected.say(DEFAULT)

    assert right == []
    expected = "the route to 0.0.0.0/0 is via 192.0.2.7 by bond1 metric 50; "
    expected += "expected via 192.0.2.1 by bond1"
    assert behind == [f"{expected}, which is there with metric 100 and not used"]
    assert gone == [expected]


@needs_root
def test_of_two_routes_with_one_metric_the_kernel_uses_the_first_in_ipv4(connected: Host) -> None:
    connected.ip("route add default via 192.0.2.7 dev bond1")
    connected.ip("route append default via 192.0.2.1 dev bond1")
    (appended,) = connected.say(DEFAULT)

    assert appended.endswith(", which is there with metric 0 and not used")
    assert connected.say(WantedRoute(ANY, "192.0.2.7")) == []


@needs_root
def test_each_hop_of_a_route_with_several_is_right(connected: Host) -> None:
    hops = "nexthop via 192.0.2.7 dev bond1 nexthop via 192.0.2.1 dev bond1"
    connected.ip(f"route add default {hops}")
    connected.ip("-6 route add 2001:db8:1::/48 via 2001:db8::7 dev bond1")
    connected.ip("-6 route append 2001:db8:1::/48 via 2001:db8::1 dev bond1")
    right = connected.say(DEFAULT, NET6)
    (wrong,) = connected.say(WantedRoute(ANY, "192.0.2.8"))

    assert right == []
    found = "via 192.0.2.7 by bond1 and via 192.0.2.1 by bond1"
    expected = f"the route to 0.0.0.0/0 is {found}; expected via 192.0.2.8 by any interface"
    assert wrong == expected


@needs_root
@pytest.mark.parametrize("kind", ["blackhole", "unreachable", "prohibit", "throw"])
def test_a_route_that_drops_all_is_a_change(connected: Host, kind: str) -> None:
    connected.ip(f"route add {kind} 203.0.113.0/24")
    connected.ip(f"-6 route add {kind} 2001:db8:1::/48")
    four, six = connected.say(WantedRoute("203.0.113.0/24", "192.0.2.1"), NET6)

    assert four.startswith(f"the route to 203.0.113.0/24 is {kind}; expected via 192.0.2.1")
    assert six.startswith(f"the route to 2001:db8:1::/48 is {kind} metric 1024; expected via")


@needs_root
def test_only_the_main_table_and_routes_for_all_count(connected: Host) -> None:
    connected.ip("route add 203.0.113.0/24 via 192.0.2.1 table 100")
    connected.ip("-6 route add 2001:db8:1::/48 via 2001:db8::1 table 100")
    connected.ip("route add 203.0.113.0/24 via 192.0.2.1 tos 0x10")
    connected.ip("-6 route add 2001:db8:1::/48 from 2001:db8:9::/64 via 2001:db8::1 dev bond1")
    seen = connected.look(WantedRoute("203.0.113.0/24", "192.0.2.1"), NET6)

    assert [found.alertname for found in seen] == ["Route missing"] * 2


@needs_root
def test_a_gateway_of_the_other_family_is_shown(connected: Host) -> None:
    connected.ip("route add 203.0.113.0/24 via inet6 2001:db8::1 dev bond1")
    (message,) = connected.say(WantedRoute("203.0.113.0/24", "192.0.2.1"))

    assert message.startswith("the route to 203.0.113.0/24 is via 2001:db8::1 by bond1;")


@needs_root
def test_the_routes_of_an_interface_go_and_come_with_it(connected: Host) -> None:
    before = connected.look(NET)
    connected.ip("link set bond1 down")
    (down,) = connected.look(NET)
    connected.ip("link set bond1 up")
    after = connected.look(NET)

    assert down.alertname == "Route missing"
    assert before == after == []


@needs_root
def test_a_route_to_a_smaller_or_larger_network_is_another_route(connected: Host) -> None:
    connected.ip("route add 203.0.113.0/25 dev bond1")
    connected.ip("route add 192.168.0.0/16 dev bond1")
    (missing,) = connected.look(WantedRoute("203.0.113.0/24"))

    assert missing.alertname == "Route missing"
    assert connected.look(WantedRoute("203.0.113.0", netmask="255.255.255.128")) == []


@needs_root
def test_thousands_of_routes_are_read(connected: Host) -> None:
    routes = "\n".join(f"route add 10.{n // 250}.{n % 250}.0/24 dev eth9" for n in range(3000))
    connected.batch(routes)

    assert connected.say(DEFAULT, WantedRoute("10.0.0.0/24"), WantedRoute("10.11.249.0/24")) == [
        "there is no route to 0.0.0.0/0; expected via 192.0.2.1 by bond1"
    ]


async def test_without_a_table_the_check_fails_and_blames_no_route(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> NoReturn:
        raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))

    monkeypatch.setattr(socket, "socket", fail)
    expected = "^cannot read the routing table: Address family not supported by protocol$"
    with pytest.raises(CheckFailed, match=expected):
        await routing_table.run(context(), Params((DEFAULT,)))
