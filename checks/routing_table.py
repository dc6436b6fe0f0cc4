"""Watches that this host has the routes that it is meant to have."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable, Sequence
from functools import partial

from attrs import Attribute, field, frozen

from checks._common.event_types import event_type_field
from checks._common.validators import unique
from checks._kernel import routes as kernel_routes
from checks._kernel.routes import Hop, IpAddress, IpNetwork, Route
from supervisor.api import CheckFailed, Condition, Context, Observation, probe

_INTERFACE = re.compile(r"[!-.0-~]{1,15}")
"""A name that the kernel allows."""


@frozen
class WantedRoute:
    """One route that the host must have."""

    destination: str = field(
        metadata={
            "help": 'an address or network: "192.0.2.0", "2001:db8::/32", "default"',
            "example": '"default"',
        }
    )
    gateway: str = field(default="", metadata={"help": "its address; absent or 0.0.0.0: none"})
    netmask: str | int = field(
        default="",
        metadata={"help": '"255.255.255.0", "/24" or 24; absent: one address, or all of 0.0.0.0'},
    )
    interface: str = field(default="", metadata={"help": "its name; absent: any"})
    event_type: str = event_type_field("E", "when it is wrong")

    @gateway.validator
    def _is_address(self, _: Attribute[str], value: str) -> None:
        _gateway(value)

    @interface.validator
    def _is_interface(self, _: Attribute[str], value: str) -> None:
        if value and (not _INTERFACE.fullmatch(value) or value in (".", "..")):
            raise ValueError(f"{value!r} is not the name of an interface; write for example 'eth0'")

    def __attrs_post_init__(self) -> None:
        version, gateway = self.network.version, self.hop_gateway
        if gateway and gateway.version != version:
            raise ValueError(
                f"gateway {gateway} and destination {self.destination} are not both "
                f"IPv{version}; correct one of them"
            )

    @property
    def network(self) -> IpNetwork:
        """The destination with its prefix length."""
        text = self.destination
        if text == "default":
            text = "::" if self.hop_gateway and self.hop_gateway.version == 6 else "0.0.0.0"  # noqa: S104  # the default route
        text, slash, prefix = text.partition("/")
        address = _address(text, "destination ")
        masks = [prefix] if slash else []
        masks += [str(self.netmask).removeprefix("/")] if self.netmask != "" else []
        lengths = {_prefix_length(mask, address) for mask in masks}
        if not lengths:
            lengths = {0 if address.is_unspecified else address.max_prefixlen}
        if len(lengths) > 1:
            raise ValueError(
                f"destination {self.destination} and netmask {self.netmask} contradict each "
                "other; leave the netmask out"
            )
        (length,) = lengths
        network = ipaddress.ip_network((address, length), strict=False)
        if network.network_address != address:
            raise ValueError(
                f"destination {address}/{length} is an address in a network; write {network}"
            )
        return network

    @property
    def hop_gateway(self) -> IpAddress | None:
        """The gateway, if the route has one."""
        return _gateway(self.gateway)

    def uses(self, hop: Hop) -> bool:
        """Return whether this hop is the wanted one."""
        anywhere = not self.interface
        return hop.gateway == self.hop_gateway and (
            anywhere or _name(hop.interface) == self.interface
        )


@frozen
class Params:
    """Which routes."""

    routes: tuple[WantedRoute, ...] = field(
        validator=unique(lambda route: route.network, remedy="keep one of them"),
        metadata={
            "help": "the routes of the main table",
            "named_by": ("destination", "netmask"),
        },
    )


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return a condition for each route that is missing or differs."""
    try:
        return await probe("read of the routing table", partial(examine, params.routes))
    except OSError as error:
        raise CheckFailed(f"cannot read the routing table: {error.strerror}") from None


def examine(wanted: Sequence[WantedRoute]) -> list[Condition]:
    """Return what is wrong with the routes; blocks. Raises `OSError`."""
    families = {4: socket.AF_INET, 6: socket.AF_INET6}
    tables = {
        version: kernel_routes.read_routes(families[version])
        for version in {route.network.version for route in wanted}
    }
    found = (_condition(route, tables[route.network.version]) for route in wanted)
    return [condition for condition in found if condition is not None]


def _condition(wanted: WantedRoute, table: Iterable[Route]) -> Condition | None:
    network = wanted.network
    expected = f"expected {_described(wanted.hop_gateway, wanted.interface or 'any interface')}"
    routes = kernel_routes.to(network, table)
    if not routes:
        message = f"there is no route to {network}; {expected}"
        return Condition("Route missing", wanted.event_type, str(network), message)
    used = kernel_routes.used(routes)
    if any(wanted.uses(hop) for route in used for hop in route.hops):
        return None
    found = " and ".join(_shown(route) for route in used)
    behind = [r for r in routes if any(wanted.uses(hop) for hop in r.hops)]
    if behind:
        expected += f", which is there with metric {behind[0].metric} and not used"
    message = f"the route to {network} is {found}; {expected}"
    return Condition("Route changed", wanted.event_type, str(network), message)


def _shown(route: Route) -> str:
    hops = [_described(hop.gateway, _name(hop.interface)) for hop in route.hops]
    metric = f" metric {route.metric}" if route.metric else ""
    return (route.refusal or " and ".join(hops)) + metric


def _described(gateway: IpAddress | None, interface: str) -> str:
    return f"via {gateway} by {interface}" if gateway else f"direct by {interface}"


def _name(interface: int) -> str:
    try:
        return socket.if_indextoname(interface)
    except (OSError, OverflowError):  # it has just been removed
        return f"interface {interface}"


def _gateway(text: str) -> IpAddress | None:
    """Return the address, None for what `route` writes where there is none."""
    if text in ("", "*"):
        return None
    address = _address(text)
    return None if address.is_unspecified else address


def _address(text: str, key: str = "") -> IpAddress:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(
            f"{key}{text!r} is not an IP address; write for example '127.0.14.1'"
        ) from None
    if "%" in text:
        raise ValueError(f"{key}{text!r} has a zone; write it as the interface")
    return address


def _prefix_length(mask: str, address: IpAddress) -> int:
    """Return the length of a netmask for the address, written as a number or as an address."""
    bits = address.max_prefixlen
    if mask.isdecimal() and mask.isascii() and len(mask) <= 3:
        length = int(mask)
    else:
        try:
            ones = int(type(address)(mask))
        except ValueError:
            ones = -1  # fits no length
        length = next((n for n in range(bits + 1) if ones == 2**bits - 2 ** (bits - n)), -1)
    if not 0 <= length <= bits:
        example = "255.255.255.0 or /24" if bits == 32 else "/64"
        raise ValueError(f"netmask {mask!r} is not one of IPv{address.version}; write {example}")
    return length
