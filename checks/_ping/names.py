"""Finds the address of each host that is pinged."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import trio
from attrs import field, frozen

from checks._common.addresses import Endpoint, numeric, resolve
from supervisor.api import CheckFailed

AT_ONCE = 64
"""How many names are looked up at the same time. Each takes a thread."""

SECONDS = 5.0
"""How long the look-up of all names may take."""

FAMILIES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
"""What a service file calls the families."""


@frozen
class Name:
    """A host as the service file has it."""

    host: str

    family: str = ""
    """One of `FAMILIES`. Empty: either."""

    numeric: Endpoint | None = field(init=False)
    """Its address, if the host is one and does not name a zone."""

    @numeric.default
    def _as_an_address(self) -> Endpoint | None:
        return next(iter(numeric(self.host, 0)), None)


async def addresses(names: Sequence[Name]) -> list[Endpoint | str]:
    """Return an address of each name, or why there is none, within `SECONDS`.

    Of several addresses it is the one that the resolver prefers.
    """
    late = f"cannot resolve the name: no answer within {SECONDS:g} s"
    found: list[Endpoint | str] = [name.numeric or late for name in names]
    limit = trio.CapacityLimiter(AT_ONCE)

    async def look_up(number: int, name: Name) -> None:
        async with limit:
            found[number] = await _look_up(name)

    with trio.move_on_after(SECONDS):
        async with trio.open_nursery() as nursery:
            for number, name in enumerate(names):
                if name.numeric is None:
                    nursery.start_soon(look_up, number, name)
    return found


async def _look_up(name: Name) -> Endpoint | str:
    try:
        found = await resolve(name.host, 0, socket.SOCK_DGRAM)
    except socket.gaierror as error:
        return f"cannot resolve the name: {error.strerror}"
    except CheckFailed as error:  # an earlier look-up still hangs
        return f"cannot resolve the name: {error}"
    wanted = FAMILIES.get(name.family)
    fitting = (each for each in found if wanted in (None, each[0]))
    return next(fitting, f"the name has no address of {name.family}")
