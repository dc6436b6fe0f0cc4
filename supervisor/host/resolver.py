"""Look host names up in threads that can be given up.

Trio's own look-ups share their threads with other calls. When the name server does not answer,
forty look-ups would block all of these. Every command enters trio by `run`.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from functools import partial, wraps
from typing import Any, TypeVar

import trio

from supervisor.errors import NoThread, StillHanging
from supervisor.host.threads import probe

T = TypeVar("T")


def run(function: Callable[..., Awaitable[T]], *arguments: object) -> T:
    """Call the function in trio, with a `Resolver` for host names, and return its result."""

    @wraps(function)  # trio names the task after it
    async def main() -> T:
        trio.socket.set_custom_hostname_resolver(Resolver())
        return await function(*arguments)

    return trio.run(main)


class Resolver(trio.abc.HostnameResolver):
    """Asks the system's resolver in threads.

    While a look-up of a name hangs, it does not look the same name up again. It raises the errors
    of `socket`.
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
        """Return the names of an address and of its port."""
        return await _looked_up(sockaddr[0], partial(socket.getnameinfo, sockaddr, flags))


async def _looked_up(name: str, call: Callable[[], T]) -> T:
    try:
        return await probe(f"name resolution of {name}", call)
    except (NoThread, StillHanging) as error:
        # Code that uses sockets knows this error.
        raise socket.gaierror(socket.EAI_AGAIN, str(error)) from None
