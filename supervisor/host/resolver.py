"""Names are looked up in threads that can be given up.

Trio's own lookups share their threads with much else: forty names of a dead resolver would
keep everybody waiting. Every command that enters trio does so by `run`.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from functools import partial, wraps
from typing import Any, TypeVar

import trio

from supervisor.errors import StillHanging
from supervisor.host.threads import probe

T = TypeVar("T")


def run(function: Callable[..., Awaitable[T]], *arguments: object) -> T:
    """Call the function in trio, with names looked up by a `Resolver`; return what it returns."""

    @wraps(function)  # its name is that of the task
    async def main() -> T:
        trio.socket.set_custom_hostname_resolver(Resolver())
        return await function(*arguments)

    return trio.run(main)


class Resolver(trio.abc.HostnameResolver):
    """Asks the system's resolver, and no second time for a name of which it still hangs.

    Raises what `socket` raises.
    """

    async def getaddrinfo(
        self,
        host: bytes | None,
        port: bytes | str | int | None,
        family: int = 0,
        type: int = 0,  # noqa: A002  # trio's name for it
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        """Return the addresses of a name."""
        name = "" if host is None else host.decode(errors="replace")
        call = partial(socket.getaddrinfo, host, port, family, type, proto, flags)
        return await _looked_up(name, call)

    async def getnameinfo(
        self, sockaddr: tuple[str, int] | tuple[str, int, int, int], flags: int
    ) -> tuple[str, str]:
        """Return the name and the service of an address."""
        return await _looked_up(sockaddr[0], partial(socket.getnameinfo, sockaddr, flags))


async def _looked_up(name: str, call: Callable[[], T]) -> T:
    try:
        return await probe(f"name resolution of {name}", call)
    except StillHanging as error:
        # An error that every client of sockets understands.
        raise socket.gaierror(socket.EAI_AGAIN, str(error)) from None
