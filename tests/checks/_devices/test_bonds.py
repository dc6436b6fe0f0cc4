"""The `interface` check on real bonds of veths, which are pulled. It needs a kernel with bonds.

`scripts/test --world linux` has one. Elsewhere tests/checks/_devices/test_interfaces.py reads trees
that were recorded there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from checks._devices.watched import WatchedInterface
from supervisor.api import Condition, Limit
from tests.support.interface_host import Host, host, needs_root, watched
from tests.support.patience import Patience

pytestmark = needs_root


@pytest.fixture
def there() -> Iterator[Host]:
    with host() as made:
        yield made


def bond(there: Host, mode: str = "active-backup") -> None:
    """Make bond1 of eth0 and eth1, if this kernel can."""
    if not there.ip(f"link add bond1 type bond mode {mode} miimon 50", check=False):
        pytest.skip("this kernel has no bonds; the recorded trees are tested")
    there.ip("link set eth0 down", "link set eth1 down")
    there.ip("link set eth0 master bond1", "link set eth1 master bond1", "link set bond1 up")


def when(there: Host, told: int, *entries: WatchedInterface) -> list[Condition]:
    """Return the conditions as soon as there are as many. A bond looks at its members in a time."""
    patience = Patience(30)
    while len(found := there.look(*entries)) != told and not patience.is_over():
        time.sleep(0.05)  # the kernel tells nobody
    return found


def test_a_bond_that_has_lost_a_member_is_told_without_any_parameter(there: Host) -> None:
    bond(there)
    whole = when(there, 0, watched("bond1"))
    there.ip("link set far1 down")
    (lost,) = when(there, 1, watched("bond1"))
    there.ip("link set far1 up")
    mended = when(there, 0, watched("bond1"))

    assert (whole, mended) == ([], [])
    assert (lost.alertname, lost.event_type, lost.instance) == ("Interface members", "W", "bond1")
    assert lost.message.startswith("bond1 has a link by 1 of 2 members: eth1 has no link")


def test_a_star_tells_a_member_of_a_bond_once(there: Host) -> None:
    bond(there)
    each = watched("*", except_=("far*",))
    when(there, 0, each)
    there.ip("link set far1 down")
    (lost,) = when(there, 1, each)

    assert (lost.alertname, lost.instance) == ("Interface members", "bond1")


def test_a_member_that_left_its_bond_is_named(there: Host) -> None:
    bond(there)
    both = watched("bond1", members=Limit((("W", 2), ("E", 1))))
    when(there, 0, both)
    there.ip("link set eth1 nomaster")
    (gone,) = there.look(both)
    there.ip("link set far0 down")
    down, none = when(there, 2, both)

    assert gone.event_type == "W"
    assert gone.message == (
        "bond1 has a link by 1 of 2 members (limit W 2, E 1): eth1 is not a member any more"
    )
    assert (down.alertname, none.event_type) == ("Interface down", "E")


def test_a_member_that_the_switch_does_not_aggregate_is_lost(there: Host) -> None:
    # Both ends of the veths are bonds, so that each is the switch of the other.
    bond(there, "802.3ad lacp_rate fast")
    there.ip("link add bond2 type bond mode 802.3ad miimon 50 lacp_rate fast")
    there.ip("link set far0 down", "link set far1 down")
    there.ip("link set far0 master bond2", "link set far1 master bond2", "link set bond2 up")
    when(there, 0, watched("bond1"))
    there.ip("link set far1 nomaster", "link set far1 up")
    (lost,) = when(there, 1, watched("bond1"))

    assert "eth1 is not used, for the switch does not aggregate it" in lost.message
