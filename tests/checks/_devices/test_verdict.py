"""What is said of interfaces that a test cannot easily have: half duplex, many members."""

from __future__ import annotations

from checks._devices.interfaces import Interface, Member
from checks._devices.membership import Membership
from checks._devices.traffic import Rates
from checks._devices.verdict import Verdict, rounded
from checks._devices.watched import WatchedInterface
from supervisor.api import Condition, Limit, Measurement


def use_percent(duplex: str, received: float, sent: float) -> float:
    """Return how much of 100 Mbit/s is used by so many bytes a second."""
    found = Interface("eth0", 1, 1, speed=100, duplex=duplex)
    rates = Rates(received, sent, 0, 0)
    seen = Verdict(WatchedInterface("eth0"), found, Membership(found), rates).observations()
    (percent,) = [
        each.value
        for each in seen
        if isinstance(each, Measurement) and each.name == "interface_use_percent"
    ]
    return percent


def test_the_busier_way_counts_but_with_half_duplex_both_share_the_speed() -> None:
    assert use_percent("full", 2_500_000, 5_000_000) == 40
    assert use_percent("", 5_000_000, 2_500_000) == 40
    assert use_percent("half", 2_500_000, 5_000_000) == 60


def test_the_usage_that_fires_is_that_of_the_limit() -> None:
    found = Interface("eth0", 1, 1, speed=100, duplex="full")
    watched = WatchedInterface("eth0", max_use_percent=Limit((("W", 70.0), ("E", 90.0)), 60.0))
    seen = []
    for percent in (59, 65, 71, 91):
        rates = Rates(percent * 125_000, 0, 0, 0)
        verdict = Verdict(watched, found, Membership(found), rates)
        seen.append([each for each in verdict.observations() if isinstance(each, Condition)])
    said = [[(each.event_type, each.sustain) for each in told] for told in seen]

    assert said == [[], [("W", True)], [("W", False)], [("E", False)]]
    assert seen[3][0].message == (
        "eth0 receives 10.8 MiB a second and uses 91 % of 100 Mbit/s (limit W 70, E 90, clear 60)"
    )


def test_a_message_names_some_of_many_lost_members() -> None:
    members = tuple(Member(f"eth{n:02}", "has no link") for n in range(30))
    told = Membership(Interface("bond1", 1, 1, kind="bond", members=members)).condition("bond1")

    assert told is not None
    assert told.message.startswith("bond1 has a link by 0 of 30 members: eth00 has no link, ")
    assert told.message.endswith(", eth09 has no link and 20 more")


def test_few_packets_are_not_rounded_away() -> None:
    assert [rounded(rate) for rate in (0.04, 0.4, 12.3, 1234.5)] == ["0.04", "0.4", "12", "1,234"]
