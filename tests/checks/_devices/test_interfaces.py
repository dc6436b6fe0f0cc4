"""What is read of interfaces: recorded bonds, and files of sysfs that say odd things or nothing."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any, NoReturn

import pytest
import trio
from attrs import evolve

from checks import interface
from checks._devices import interfaces
from checks._devices.interfaces import Member
from checks._devices.watched import WatchedInterface
from checks.interface import Params
from supervisor.api import CheckFailed, Condition, Context, Limit, Measurement
from tests.support.check_context import context
from tests.support.sysfs_tree import lay

DATA = Path(__file__).parent / "data" / "interfaces"


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory that stands for /sys/class/net."""
    monkeypatch.setattr(interfaces, "NET", tmp_path)
    (tmp_path / "bonding_masters").write_text("bond1\n")
    return tmp_path


def make(net: Path, name: str = "eth0", **files: str) -> Path:
    """Make an interface that is up, but for these files. Those that are empty are left out."""
    directory = net / name
    directory.mkdir()
    said = {"ifindex": "2", "flags": "0x1003", "operstate": "up", "carrier": "1"} | files
    for file, text in said.items():
        if text:
            (directory / file).write_text(f"{text}\n")
    return directory


def conditions(*watched: WatchedInterface, given: Context | None = None) -> list[Condition]:
    observed = trio.run(interface.run, given or context(), Params(watched))
    return [each for each in observed if isinstance(each, Condition)]


def test_a_recorded_bond_is_whole(net: Path) -> None:
    lay(DATA / "bond-whole.tree", net)

    assert conditions(WatchedInterface("*"), WatchedInterface("bond1")) == []


def test_a_recorded_bond_has_lost_a_member(net: Path) -> None:
    lay(DATA / "bond-one-pulled.tree", net)
    (lost,) = conditions(WatchedInterface("*"))

    assert (lost.alertname, lost.event_type, lost.instance) == ("Interface members", "W", "bond1")
    assert lost.message.startswith("bond1 has a link by 1 of 2 members: eth1 has no link")


def test_a_recorded_bond_may_have_one_member_only(net: Path) -> None:
    lay(DATA / "bond-one-pulled.tree", net)

    assert conditions(WatchedInterface("bond1", members=Limit.of(1))) == []
    assert len(conditions(WatchedInterface("bond1", members=Limit.of(2)))) == 1


def test_a_recorded_member_is_not_aggregated_though_its_link_is_up(net: Path) -> None:
    lay(DATA / "lacp-one-left-out.tree", net)
    (lost,) = conditions(WatchedInterface("*"))

    assert (net / "eth1/carrier").read_text() == "1\n"
    assert lost.message == (
        "bond1 has a link by 1 of 2 members: eth1 is not used, for the switch does not aggregate it"
    )


def test_a_recorded_bond_of_lacp_is_whole(net: Path) -> None:
    lay(DATA / "lacp-whole.tree", net)

    assert conditions(WatchedInterface("*")) == []


def test_a_member_of_a_recorded_bond_that_is_gone_after_a_restart_is_named(net: Path) -> None:
    lay(DATA / "bond-whole.tree", net)
    bond, given = WatchedInterface("bond1", members=Limit.of(2)), context()
    before = conditions(bond, given=given)
    given.state["boot"] = "another start of the host"
    (net / "bond1/lower_eth1").unlink()
    shutil.rmtree(net / "eth1")
    (lost,) = conditions(bond, given=given)

    assert before == []
    assert lost.message.endswith("(limit 2): eth1 is not a member any more")


def test_a_bond_that_is_set_down_on_purpose_misses_no_member(net: Path) -> None:
    lay(DATA / "bond-one-pulled.tree", net)
    (net / "bond1/flags").write_text("0x1402\n")
    both = WatchedInterface("bond1", up=False, members=Limit.of(2))

    assert conditions(both) == []
    assert [each.alertname for each in conditions(WatchedInterface("bond1"))] == ["Interface down"]


def test_the_members_of_a_bond_are_remembered_while_it_is_missing(net: Path) -> None:
    lay(DATA / "bond-whole.tree", net)
    both, given = WatchedInterface("bond1", members=Limit.of(2)), context()
    conditions(both, given=given)
    (net / "bond1").rename(net.parent / "away")
    (missing,) = conditions(both, given=given)
    (net.parent / "away").rename(net / "bond1")
    (net / "bond1/lower_eth1").unlink()
    (lost,) = conditions(both, given=given)

    assert missing.alertname == "Interface missing"
    assert lost.message.endswith(": eth1 is not a member any more")


def received(given: Context, *watched: WatchedInterface) -> list[str]:
    """Run the check a minute after the last time. Return of which interfaces it has rates."""
    samples: Any = given.state.get("samples", [])
    for sample in samples:
        sample[0] -= 60
    observed = trio.run(interface.run, given, Params(watched))
    found = (each for each in observed if isinstance(each, Measurement))
    return [each.labels["interface"] for each in found if each.name == "interface_received"]


def count(directory: Path, number: int) -> None:
    """Let an interface have counted so much of everything."""
    (directory / "statistics").mkdir(exist_ok=True)
    for name in interfaces.COUNTERS:
        (directory / "statistics" / name).write_text(f"{number}\n")


def test_what_was_counted_before_a_start_of_the_host_does_not_count(net: Path) -> None:
    count(make(net), 1_000_000)
    given, card = context(), WatchedInterface("eth0")
    before, after = received(given, card), received(given, card)
    given.state["boot"] = "another start of the host"

    assert (before, after) == ([], ["eth0"])
    assert received(given, card) == []
    assert received(given, card) == ["eth0"]


def test_an_interface_with_an_entry_of_its_own_has_rates_before_others(net: Path) -> None:
    for number in range(150):
        count(make(net, f"eth{number}", ifindex=f"{number + 1}"), 1)
    given, entries = context(), (WatchedInterface("*"), WatchedInterface("eth99"))
    received(given, *entries)
    found = received(given, *entries)

    assert len(found) == interface.MAX_COUNTED
    assert found[0] == "eth99"


@pytest.mark.parametrize("speed", ["-1", "4294967295", "", "0"])
def test_a_speed_that_is_not_known_is_not_judged_as_a_slow_one(net: Path, speed: str) -> None:
    make(net, speed=speed)
    (unreadable,) = conditions(WatchedInterface("eth0", min_speed=Limit.of(1000)))

    assert unreadable.alertname == "Value unreadable"
    assert conditions(WatchedInterface("*", min_speed=Limit.of(1000))) == []


@pytest.mark.parametrize(
    ("files", "trouble"),
    [
        ({"carrier": "0", "operstate": "down"}, "has no link"),
        ({"carrier": "0", "operstate": "up"}, "has no link"),
        ({"carrier": "0", "operstate": "lowerlayerdown"}, interfaces.NO_LINK_BELOW),
        ({"operstate": "dormant"}, "has a link that still waits for permission"),
        ({"operstate": "testing"}, "is being tested"),
        ({"operstate": "unknown"}, ""),
        ({"operstate": "down"}, ""),  # the kernel corrects it a moment later
        ({"carrier": ""}, ""),
    ],
)
def test_what_the_kernel_says_of_a_link_is_put_in_words(
    net: Path, files: dict[str, str], trouble: str
) -> None:
    make(net, **files)
    found = interfaces.read("eth0")

    assert found is not None
    assert found.trouble == trouble


def test_an_interface_that_is_made_again_while_it_is_read_is_not_two_in_one(
    net: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = make(net)
    counters = interfaces._counters

    def made_again(statistics: Path) -> object:
        (directory / "ifindex").write_text("9\n")
        return counters(statistics)

    monkeypatch.setattr(interfaces, "_counters", made_again)

    assert interfaces.read("eth0") is None


def test_an_interface_that_goes_while_it_is_read_is_gone(
    net: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = make(net)
    monkeypatch.setattr(interfaces, "_counters", lambda _: shutil.rmtree(directory))

    assert interfaces.read("eth0") is None
    assert [each.alertname for each in conditions(WatchedInterface("eth0"))] == [
        "Interface missing"
    ]


def test_a_device_that_has_just_been_removed_is_gone(
    net: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def removed(_: Path) -> NoReturn:
        raise OSError(errno.ENODEV, "No such device")

    make(net)
    monkeypatch.setattr(interfaces, "text", removed)

    assert interfaces.read("eth0") is None


def test_a_member_of_another_kind_of_interface_is_below_it(net: Path) -> None:
    make(net, "eth0", carrier="0")
    (make(net, "eth0.7") / "lower_eth0").symlink_to("../eth0")
    found = interfaces.read("eth0.7")

    assert found is not None
    assert (found.kind, found.members) == ("", (Member("eth0", "has no link"),))
    assert conditions(WatchedInterface("eth0.7")) == []


def test_a_host_without_sysfs_fails_the_check(net: Path) -> None:
    shutil.rmtree(net)
    with pytest.raises(CheckFailed, match=r"^cannot read the interfaces in .*: "):
        conditions(WatchedInterface("*"))


def test_a_file_that_says_nonsense_fails_the_check(net: Path) -> None:
    make(net, flags="up")
    with pytest.raises(CheckFailed, match=r"^cannot read the interfaces in "):
        conditions(WatchedInterface("*"))


def test_thousands_of_interfaces_are_read_and_the_state_stays_small(net: Path) -> None:
    for number in range(2000):
        count(make(net, f"veth{number}", ifindex=f"{number + 1}"), (1 << 64) - 1)
    given = context()

    assert conditions(WatchedInterface("*"), given=given) == []
    assert len(str(given.state)) < 16_000


async def test_what_cannot_be_judged_is_told_before_the_first_run(net: Path) -> None:
    make(net, "eth0", speed="-1", duplex="unknown")
    make(net, "eth1", ifindex="3", speed="1000", duplex="full")
    make(net, "eth2", ifindex="4", carrier="0")
    judged = WatchedInterface(
        "eth0", duplex="full", min_speed=Limit.of(1000), max_use_percent=Limit.of(90.0)
    )
    entries = [judged, *(evolve(judged, name=name) for name in ("eth1", "eth2", "bond1", "*"))]

    assert [*await interface.examine(Params(tuple(entries)))] == [
        "interfaces[0].min_speed: the kernel tells no speed of eth0; leave min_speed out",
        "interfaces[0].max_use_percent: the kernel tells no speed of eth0; "
        "leave max_use_percent out",
        "interfaces[0].duplex: the kernel tells no duplex of eth0; leave duplex out",
        "interfaces[3].name: there is no interface bond1 here; correct the name",
    ]


async def test_a_host_that_shows_no_interfaces_is_examined(net: Path) -> None:
    shutil.rmtree(net)
    (wrong,) = await interface.examine(Params((WatchedInterface("*"),)))

    assert wrong.startswith(f"cannot read the interfaces in {net}: ")
