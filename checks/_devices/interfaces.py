"""Network interfaces, from /sys/class/net. Used by `interface` and the daily report.

The kernel describes the files in Documentation/ABI/testing/sysfs-class-net, what bonds have besides
in Documentation/networking/bonding.rst. The functions block, so call them in a thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from attrs import Attribute, frozen

from checks._common.printable import shown
from checks._devices.sysfs import GONE, number, text, value

NET = Path("/sys/class/net")
"""A directory for each interface of this network namespace, and the file `bonding_masters`."""

MAX_NAME_BYTES = 15
"""The most bytes of the name of an interface."""

IFF_UP, IFF_LOOPBACK = 0x1, 0x8
"""Bits of `flags`: somebody has set the interface up; it is the loopback."""

WAITS = {
    "dormant": "has a link that still waits for permission",
    "notpresent": "is not present",
    "testing": "is being tested",
}
"""The values of `operstate` with which nothing is carried, though there may be a link."""

NO_LINK = "has no link"
"""What is said of an interface whose `carrier` is 0."""

NO_LINK_BELOW = "has no link, for the one below it has none"
"""The same, when its `operstate` says `lowerlayerdown`: a VLAN, or a veth with another end."""

COUNTERS = ("rx_bytes", "tx_bytes", "rx_errors", "tx_errors", "rx_dropped", "tx_dropped")
"""The files of `statistics` that are read."""

KINDS = {"bonding": "bond", "bridge": "bridge"}
"""The directories by which a bond and a bridge are known."""


@frozen
class Counters:
    """What an interface has counted since it was made. Not all drivers count on for ever."""

    received: int
    """Bytes."""

    sent: int
    """Bytes."""

    errors: int
    """Packets with errors, received and sent."""

    drops: int
    """Packets that were dropped, received and sent."""


@frozen
class Member:
    """An interface that a bond, a bridge or the like consists of."""

    name: str

    trouble: str = ""
    """Why it carries nothing: "has no link". Empty: it is right."""


@frozen
class Interface:
    """What the kernel says of one interface."""

    name: str

    index: int
    """Its number. An interface that is made again under the same name has another one."""

    flags: int

    trouble: str = ""
    """Why it carries nothing, though it is set up: "has no link". Empty: it is right."""

    speed: int | None = None
    """Mbit/s. None: the kernel does not tell it."""

    duplex: str = ""
    """`full` or `half`. Empty: the kernel does not tell it."""

    alias: str = ""
    """What somebody has called it, with `ip link set … alias`."""

    kind: str = ""
    """`bond` or `bridge`. Empty: another kind."""

    is_of_bond: bool = False
    """Whether it is a member of a bond."""

    members: tuple[Member, ...] = ()
    """The interfaces below it, by name."""

    counters: Counters | None = None
    """None: the kernel does not tell them."""

    @property
    def is_up(self) -> bool:
        """Whether somebody has set it up."""
        return bool(self.flags & IFF_UP)

    @property
    def is_loopback(self) -> bool:
        """Whether it leads to this host itself."""
        return bool(self.flags & IFF_LOOPBACK)

    @property
    def lost_members(self) -> tuple[str, ...]:
        """The members that carry nothing, each with the reason."""
        return tuple(f"{shown(each.name)} {each.trouble}" for each in self.members if each.trouble)

    @property
    def title(self) -> str:
        """Its name for messages, with its alias."""
        alias = f" ({shown(self.alias, 60)})" if self.alias else ""
        return f"{shown(self.name)}{alias}"


def is_name(_params: object, _: Attribute[str], name: str) -> None:
    """Raise `ValueError` for what the kernel refuses as the name of an interface."""
    if ":" in name:
        interface = name.partition(":")[0]
        raise ValueError(f"{name!r} is the label of an address; write {interface!r}")
    is_right = 0 < len(os.fsencode(name)) <= MAX_NAME_BYTES and name not in (".", "..")
    if not is_right or "/" in name or any(char.isspace() for char in name):
        raise ValueError(f"{name!r} is not the name of an interface; write for example 'eth0'")


def names() -> list[str]:
    """Return the names of all interfaces. Raises `OSError`."""
    with os.scandir(NET) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir())


def bonds() -> list[str]:
    """Return the names of the bonds. Raises `OSError`."""
    return [name for name in names() if (NET / name / "bonding").is_dir()]


def read(name: str) -> Interface | None:
    """Return what the kernel says of an interface. None: there is none of this name.

    Raises `OSError`.
    """
    directory = NET / name
    try:
        index = int(text(directory / "ifindex"))
        found = _read(directory, index)
        # What was read of an interface that was made again meanwhile belongs to two of them.
        return found if int(text(directory / "ifindex")) == index else None
    except OSError as error:
        if error.errno in GONE:
            return None
        raise


def _read(directory: Path, index: int) -> Interface:
    flags = int(text(directory / "flags"), 16)
    kind = next((KINDS[each] for each in KINDS if (directory / each).is_dir()), "")
    speed = number(directory / "speed")
    duplex = value(directory / "duplex")
    return Interface(
        directory.name,
        index,
        flags,
        trouble=_trouble(directory) if flags & IFF_UP else "",
        # Old kernels write an unknown speed as a number without a sign.
        speed=speed if speed is not None and 0 < speed < 0xFFFFFFFF else None,
        duplex=duplex if duplex in ("full", "half") else "",
        alias=value(directory / "ifalias"),
        kind=kind,
        is_of_bond=(directory / "bonding_slave").is_dir(),
        members=tuple(_members(directory)),
        counters=_counters(directory / "statistics"),
    )


def _trouble(directory: Path) -> str:
    """Return why an interface that is set up carries nothing.

    `operstate` follows `carrier` a little later.
    """
    state = value(directory / "operstate")
    if value(directory / "carrier") == "0":
        return NO_LINK_BELOW if state == "lowerlayerdown" else NO_LINK
    return WAITS.get(state, "")


def _members(directory: Path) -> Iterator[Member]:
    """Yield the interfaces below one, each with what is wrong with it."""
    with os.scandir(directory) as entries:
        below = sorted(entry.name for entry in entries if entry.name.startswith("lower_"))
    aggregator = value(directory / "bonding/ad_aggregator")
    for link in below:
        member = directory / link
        yield Member(link.removeprefix("lower_"), _trouble_of_member(member, aggregator))


def _trouble_of_member(member: Path, aggregator: str) -> str:
    if not (number(member / "flags", 16) or 0) & IFF_UP:
        return "is set down"
    if trouble := _trouble(member):
        return trouble
    if value(member / "bonding_slave/mii_status") not in ("", "up"):
        return "is not used, for the bond finds no link"
    own = value(member / "bonding_slave/ad_aggregator_id")
    if aggregator and own not in ("", aggregator):
        return "is not used, for the switch does not aggregate it"
    return ""


def _counters(directory: Path) -> Counters | None:
    counted = [number(directory / name) for name in COUNTERS]
    known = [each for each in counted if each is not None]
    if len(known) < len(COUNTERS):
        return None
    received, sent, bad_in, bad_out, lost_in, lost_out = known
    return Counters(received, sent, bad_in + bad_out, lost_in + lost_out)
