"""Pings hosts, and judges how many requests they do not answer, and how long an answer takes.

Coming from Monit: `check host … ping`; Icinga: `ping`, `ping4`, `ping6`, `hostalive`, `icmp`,
`fping`; Telegraf: `ping`.
"""

from __future__ import annotations

import math
import socket
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import trio
from attrs import Attribute, field, frozen

from checks._common.deadlines import rounded, timeout_field, within
from checks._common.event_types import event_type_field
from checks._common.limits import compared, each_number, limit_field
from checks._common.plurals import counted
from checks._common.validators import (
    Rule,
    is_host,
    is_not_empty,
    is_positive,
    not_blank,
    unique,
)
from checks._ping.line import Peer
from checks._ping.names import FAMILIES, SECONDS, Name, addresses
from checks._ping.rounds import Rounds, ask
from checks._ping.sockets import hindrance
from supervisor.api import (
    CheckFailed,
    Condition,
    Context,
    Duration,
    Limit,
    Measurement,
    Observation,
    upper_limit,
)

MAX_COUNT = 1000
"""Requests to each host in one run, at most."""

MIN_INTERVAL = 0.01
"""Seconds between two requests to a host, at least."""


def _is_a_count(_params: object, _: Attribute[int], value: int) -> None:
    if not 1 <= value <= MAX_COUNT:
        raise ValueError(f"{value} is not from 1 to {MAX_COUNT}; write for example 5")


def _is_an_interval(_params: object, _: Attribute[Duration], value: Duration) -> None:
    if value < MIN_INTERVAL:
        raise ValueError(f"is less than {MIN_INTERVAL:g} s; write for example '1s'")


def _is_a_share(_params: object, _: Attribute[Any], value: float) -> None:
    if not 0 <= value < 100:
        raise ValueError(f"{value:g} is not from 0 to below 100; write for example 20")


is_share = Rule(_is_a_share, {"minimum": 0, "exclusiveMaximum": 100})
"""Refuses a percentage that a loss cannot be above."""


@frozen
class PingedHost:
    """One host and its limits."""

    name: str = field(
        validator=not_blank("write what the host is called"),
        metadata={"help": "what it is called in the alert; unique"},
    )
    host: str = field(validator=is_host, metadata={"help": "an IPv4 or IPv6 address, or a name"})
    family: Literal["", "ipv4", "ipv6"] = field(
        default="", metadata={"help": "of a name: which of its addresses; default: the first"}
    )
    max_loss_percent: Limit[float] = field(
        default=Limit((("W", 20.0), ("E", 60.0))),
        validator=[each_number(is_share), upper_limit],
        metadata={"help": "fires when more requests than that are not answered"},
    )
    max_seconds: Limit[Duration] | None = limit_field(
        upper_limit, "W when the answers take longer on average", is_positive
    )
    event_type: str = event_type_field("E", "of a plain `max_loss_percent`, and of a wrong name")

    @family.validator
    def _fits_the_address(self, _: Attribute[str], value: str) -> None:
        numeric = Name(self.host).numeric
        if value and numeric and numeric[0] != FAMILIES[value]:
            raise ValueError(f"{self.host} is not an address of {value}; remove one of the two")


@frozen
class Params:
    """The hosts, and how they are asked."""

    hosts: tuple[PingedHost, ...] = field(
        validator=[is_not_empty, unique(lambda host: host.name)],
        metadata={"help": "the hosts"},
    )
    count: int = field(
        default=5,
        validator=Rule(_is_a_count, {"minimum": 1, "maximum": MAX_COUNT}),
        metadata={"help": "requests to each host"},
    )
    interval: Duration = field(
        default=Duration(1),
        validator=Rule(_is_an_interval, {"minimum": MIN_INTERVAL, "pattern": "[1-9]"}),
        metadata={"help": "from one request to a host to the next"},
    )
    timeout: Duration = timeout_field(2, "how long an answer may take; a later one is lost")
    alertname: str = field(
        default="Packet loss",
        validator=not_blank("write for example 'Host down'"),
        metadata={"help": "the alertname when requests are not answered"},
    )


EXAMINES_THIS_HOST = True
"""`examine` opens a socket and sends nothing, so `validate` asks it, too."""


async def examine(params: Params) -> Iterable[str]:
    """Return why the service will not be able to ping. No host is asked."""
    numeric = (Name(each.host).numeric for each in params.hosts)
    families = {socket.AF_INET if each is None else each[0] for each in numeric}
    found = hindrance(sorted(families))
    return [found] if found else []


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return loss and round trip of each host, and a condition for each that crosses a limit.

    Raises `CheckFailed` when this process may not ping, or lacks the time or the resources.
    """
    rounds = Rounds(len(params.hosts), params.count, params.interval, params.timeout)
    latest = trio.current_time() + within(math.inf)
    names = [Name(each.host, each.family) for each in params.hosts]
    _demand_time(rounds, latest, has_names=any(name.numeric is None for name in names))
    found = await addresses(names)
    peers = [each if isinstance(each, str) else Peer(*each) for each in found]
    await ask([peer for peer in peers if isinstance(peer, Peer)], rounds, latest)
    seen = [*zip(params.hosts, peers, strict=True)]
    _demand_answers(seen)
    return [item for host, peer in seen for item in _observed(params.alertname, host, peer)]


def _demand_time(rounds: Rounds, latest: float, *, has_names: bool) -> None:
    """Raise `CheckFailed` when the module ends before all is asked."""
    needed = rounds.seconds + SECONDS * has_names
    if needed > (left := latest - trio.current_time()):
        why = f"this may take {needed:.3g} s, and the module has {max(0.0, left):.3g} s"
        remedy = "give the module a longer timeout, or write a smaller count, interval or timeout"
        raise CheckFailed(f"too little time to ping: {why}; {remedy}")


def _demand_answers(seen: Iterable[tuple[PingedHost, Peer | str]]) -> None:
    """Raise `CheckFailed` when nothing is known of a host, for a reason that lies in this host."""
    unknown = [(host, peer) for host, peer in seen if isinstance(peer, Peer) and not peer.sent]
    if unknown:
        host, peer = unknown[0]
        others = f" and of {counted(len(unknown) - 1, 'more host')}" if unknown[1:] else ""
        why = f"cannot count the answers of {_place(host, peer)}{others}: {peer.hindered}"
        raise CheckFailed(why)


def _observed(alertname: str, host: PingedHost, peer: Peer | str) -> Iterator[Observation]:
    if isinstance(peer, str):
        message = f"{host.name} ({host.host}): {peer}"
        yield Condition("Ping failed", host.event_type, host.name, message)
        return
    yield from _loss(alertname, host, peer)
    if peer.seconds:
        yield from _speed(host, peer)


def _loss(alertname: str, host: PingedHost, peer: Peer) -> Iterator[Observation]:
    loss, limit = 100 * peer.lost / peer.sent, host.max_loss_percent
    labels = {"target": host.name}
    yield Measurement("ping_loss_percent", round(loss, 1), "%", labels, limits=limit.numbers)
    if crossing := limit.above(loss, host.event_type):
        asked = counted(peer.sent, "request")
        if peer.seconds:
            why = f"{loss:.0f} % of {asked} lost{compared(', more than', limit, '{:g} %'.format)}"
        elif peer.refused:
            why = f"cannot be asked: {peer.refused[:1].lower()}{peer.refused[1:]}"
        else:
            why = f"no answer to {asked}"
        yield crossing.condition(alertname, host.name, f"{_place(host, peer)}: {why}")


def _speed(host: PingedHost, peer: Peer) -> Iterator[Observation]:
    average, limit = sum(peer.seconds) / len(peer.seconds), host.max_seconds
    labels, numbers = {"target": host.name}, () if limit is None else limit.numbers
    yield Measurement("ping_seconds", round(average, 6), "s", labels, limits=numbers)
    if limit is not None and (crossing := limit.above(average, "W")):
        took = f"an answer takes {rounded(average)} s on average"
        message = f"{_place(host, peer)}: {took}{compared(', more than', limit, '{:g} s'.format)}"
        yield crossing.condition("Ping slow", host.name, message)


def _place(host: PingedHost, peer: Peer) -> str:
    """Return name and host, and the address that was asked if the host is a name."""
    address = str(peer.address[0])
    return f"{host.name} ({host.host if host.host == address else f'{host.host}, {address}'})"
