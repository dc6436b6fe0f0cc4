"""The `interface` check on real interfaces in a network namespace, which are pulled and removed.

Bonds are tested in tests/checks/_devices/test_bonds.py.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest

from supervisor.api import Limit, Size
from tests.support.interface_host import Host, host, needs_root, watched

pytestmark = needs_root


@pytest.fixture
def there() -> Iterator[Host]:
    with host() as made:
        yield made


def test_a_good_link_is_measured_and_nothing_is_said(there: Host) -> None:
    assert there.look(watched()) == []
    assert there.measure(watched()) == {
        ("eth0", "interface_up"): 1,
        ("eth0", "interface_speed"): 10000,
    }


def test_a_link_that_is_pulled_fires_and_comes_back(there: Host) -> None:
    seen = []
    for state in ("up", "down", "up"):
        there.ip(f"link set far0 {state}")
        seen.append(there.look(watched()))
    before, (pulled,), after = seen

    assert (before, after) == ([], [])
    assert (pulled.alertname, pulled.event_type, pulled.instance) == ("Interface down", "E", "eth0")
    assert pulled.message.startswith("eth0 has no link")


def test_without_carrier_a_link_may_be_missing(there: Host) -> None:
    there.ip("link set far0 down")

    assert there.look(watched(carrier=False)) == []
    assert there.measure(watched(carrier=False))["eth0", "interface_up"] == 0


def test_an_interface_that_is_set_down_is_told(there: Host) -> None:
    there.ip("link set eth0 down")

    assert there.say(watched()) == ["eth0 is set down"]
    assert there.look(watched(up=False)) == []


def test_the_type_of_the_alert_is_as_the_entry_says(there: Host) -> None:
    there.ip("link set eth0 down")

    assert [each.event_type for each in there.look(watched(event_type="W"))] == ["W"]


def test_an_interface_that_is_removed_is_missing(there: Host) -> None:
    before = there.look(watched())
    there.ip("link del eth0")
    (missing,) = there.look(watched())

    assert before == []
    assert (missing.alertname, missing.event_type) == ("Interface missing", "E")
    assert missing.message == "there is no interface eth0"


def test_the_speed_of_an_interface_that_is_down_is_not_asked_for(there: Host) -> None:
    # The kernel answers EINVAL.
    there.ip("link set eth0 down")

    assert there.look(watched(up=False, min_speed=Limit.of(1000), duplex="full")) == []


def test_a_link_that_is_too_slow_fires_with_the_type_of_its_limit(there: Host) -> None:
    limits = Limit((("W", 40000), ("E", 10000)))
    (slow,) = there.look(watched(min_speed=limits))

    assert there.look(watched(min_speed=Limit.of(10000))) == []
    assert (slow.alertname, slow.event_type, slow.instance) == ("Interface speed", "W", "eth0")
    assert slow.message == "eth0 has a speed of 10000 Mbit/s (limit W 40000, E 10000)"


def test_the_wrong_duplex_fires(there: Host) -> None:
    (wrong,) = there.look(watched(duplex="half"))

    assert there.look(watched(duplex="full")) == []
    assert (wrong.alertname, wrong.event_type) == ("Interface duplex", "W")
    assert wrong.message == "eth0 has full duplex, expected half"


def test_a_link_that_becomes_slower_is_told_until_it_is_fast_again(there: Host) -> None:
    card = watched("tap0", min_speed=Limit.of(1000), duplex="full")
    seen = []
    with there.tap("tap0") as tap:
        for speed, duplex in ((1000, "full"), (100, "half"), (1000, "full")):
            tap.set(speed, duplex)
            seen.append(there.say(card))

    assert seen == [
        [],
        [
            "tap0 has a speed of 100 Mbit/s (limit 1000)",
            "tap0 has half duplex, expected full",
        ],
        [],
    ]


def test_a_limit_on_a_speed_that_the_kernel_does_not_tell_is_not_silent(there: Host) -> None:
    lo = watched("lo", min_speed=Limit.of(1), max_use_percent=Limit.of(90.0))
    there.ip("link set lo up")
    told = there.look(lo)

    assert [(each.alertname, each.event_type, each.instance) for each in told] == [
        ("Value unreadable", "E", "lo min_speed"),
        ("Value unreadable", "E", "lo max_use_percent"),
    ]
    assert told[0].message == "cannot judge min_speed: the kernel tells no speed of lo"


def test_a_star_stands_for_all_that_are_set_up_but_not_for_the_loopback(there: Host) -> None:
    there.ip("link set lo up", "link set far1 down")
    found = {name for name, _ in there.measure(watched("*", except_=("far*",)))}

    assert found == {"eth0", "eth1"}
    assert {name for name, _ in there.measure(watched("*"))} == {"eth0", "eth1", "far0"}


def test_a_star_leaves_an_interface_with_an_entry_of_its_own_alone(there: Host) -> None:
    there.ip("link set far0 down")

    assert there.say(watched("*"), watched("eth0", carrier=False)) == []


def test_a_star_does_not_miss_an_interface_that_goes(there: Host) -> None:
    before = there.look(watched("*"))
    there.ip("link del eth1")

    assert (before, there.look(watched("*"))) == ([], [])


def test_a_star_says_nothing_of_a_bridge_without_members(there: Host) -> None:
    there.ip("link add docker0 type bridge", "link set docker0 up")
    there.ip("link set eth1 master docker0", "link set eth1 nomaster")  # as a container that ends

    assert there.look(watched("*")) == []
    assert there.say(watched("docker0")) == ["docker0 has no link"]


def test_a_bridge_says_which_member_has_no_link_and_which_is_gone(there: Host) -> None:
    there.ip("link add br0 type bridge", "link set br0 up")
    there.ip("link set eth0 master br0", "link set eth1 master br0")
    bridge = watched("br0", members=Limit((("W", 2), ("E", 1))))
    whole = there.look(bridge)
    there.ip("link set far1 down")
    (pulled,) = there.look(bridge)
    there.ip("link set eth1 nomaster", "link set far1 up")
    (gone,) = there.look(bridge)
    again = there.say(bridge)
    there.ip("link set eth1 master br0")
    mended = there.look(bridge)

    assert (whole, mended) == ([], [])
    assert (pulled.alertname, pulled.event_type) == ("Interface members", "W")
    assert pulled.message.startswith(
        "br0 has a link by 1 of 2 members (limit W 2, E 1): eth1 has no link"
    )
    assert gone.message.endswith(": eth1 is not a member any more")
    assert again == [gone.message]


def test_the_last_member_that_is_lost_is_graver(there: Host) -> None:
    there.ip("link add br0 type bridge", "link set br0 up", "link set eth0 master br0")
    bridge = watched("br0", members=Limit((("W", 2), ("E", 1))), carrier=False)
    (few,) = there.look(bridge)
    there.ip("link set eth0 down")
    (none,) = there.look(bridge)

    assert few.message.endswith("by 1 of 1 member (limit W 2, E 1): it has no others")
    assert none.event_type == "E"
    assert none.message.endswith("eth0 is set down")


def test_packets_that_are_dropped_are_counted_by_the_minute(there: Host) -> None:
    limit = watched("far0", max_drops_per_minute=Limit.of(50.0))
    first = there.look(limit)
    there.send("eth0", 100)
    (dropped,) = there.look(limit, later=60)
    later = there.look(limit, later=60)

    assert (first, later) == ([], [])
    assert (dropped.alertname, dropped.event_type) == ("Interface drops", "W")
    assert dropped.message.startswith("far0 has dropped ")
    assert dropped.message.endswith(" packets a minute (limit 50)")


def test_packets_with_errors_are_counted_by_the_minute(there: Host) -> None:
    # A tunnel to an address without a route cannot send.
    there.ip("link add vx0 type vxlan id 7 remote 192.0.2.77 dstport 4789", "link set vx0 up")
    limit = watched("vx0", max_errors_per_minute=Limit((("W", 10.0), ("E", 1000.0))))
    first = there.look(limit)
    there.send("vx0", 100)
    (wrong,) = there.look(limit, later=60)

    assert first == []
    assert (wrong.alertname, wrong.event_type) == ("Interface errors", "W")
    assert "packets with errors a minute (limit W 10, E 1000)" in wrong.message


def test_traffic_is_judged_in_bytes_and_as_a_part_of_the_speed(there: Host) -> None:
    limits = watched(max_bytes_per_second=Limit.of(Size(10_000)), max_use_percent=Limit.of(0.001))
    first = there.look(limits)
    there.send("eth0", 1000)
    traffic, usage = there.look(limits, later=60)
    measured = there.measure(limits, later=1)

    assert first == []
    assert (traffic.alertname, usage.alertname) == ("Interface traffic", "Interface usage")
    assert re.fullmatch(r"eth0 sends 1.\.. KiB a second \(limit 9.8 KiB\)", traffic.message)
    assert " a second and uses 0 % of 10000 Mbit/s (limit 0.001)" in usage.message
    assert measured["eth0", "interface_sent"] == pytest.approx(1_000_000 / 61, rel=0.2)


def test_a_run_soon_after_another_does_not_turn_a_burst_into_a_rate(there: Host) -> None:
    limit = watched(max_bytes_per_second=Limit.of(Size(100_000)))
    seen = [there.look(limit), there.look(limit, later=60)]
    there.send("eth0", 1000)
    seen.append(there.look(limit, later=1))

    assert seen == [[], [], []]


def test_an_interface_that_is_made_again_counts_from_0(there: Host) -> None:
    limit = watched(max_bytes_per_second=Limit.of(Size(100)))
    there.send("eth0", 1000)
    there.look(limit)
    there.ip("link del eth0", "link add eth0 type veth peer far0", "link set far0 up")
    there.ip("link set eth0 up")
    there.send("eth0", 2000)

    assert there.look(limit, later=60) == []


def test_an_interface_on_top_of_another_says_that_the_one_below_has_no_link(there: Host) -> None:
    there.ip("link add mac0 link eth0 type macvlan", "link set mac0 up")
    before = there.look(watched("mac0"))
    there.ip("link set eth0 down")

    assert before == []
    assert there.say(watched("mac0"))[0].startswith("mac0 has no link")


def test_the_alias_of_an_interface_is_told(there: Host) -> None:
    there.ip("link set eth0 alias uplink-a", "link set eth0 down")

    assert there.say(watched()) == ["eth0 (uplink-a) is set down"]


@pytest.mark.parametrize("name", ["ä<b>&", '"', "$(id)", "a.b-c_d", "*", os.fsdecode(b"\xff\xfe")])
def test_an_interface_may_have_any_name_that_the_kernel_allows(there: Host, name: str) -> None:
    there.run("ip", "link", "set", "eth0", "name", name)
    there.ip("link set far0 down")
    (down,) = there.look(watched("*", except_=("eth1", "far1")))

    assert down.alertname == "Interface down"
    assert " has no link" in down.message


def test_hundreds_of_interfaces_are_read_and_those_without_rates_are_told(there: Host) -> None:
    there.ip(*(f"link add v{n} type veth peer w{n}" for n in range(100)))
    there.ip(*(f"link set {side}{n} up" for n in range(100) for side in "vw"))
    seen = there.look(watched("*", max_drops_per_minute=Limit.of(5.0)), watched("w99"))

    assert [(each.alertname, each.event_type, each.instance) for each in seen] == [
        ("Too many interfaces", "W", "*")
    ]
    assert there.look(watched("*")) == []
