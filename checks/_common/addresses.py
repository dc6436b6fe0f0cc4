"""Names and addresses of servers. Used by the checks that connect to one."""

from __future__ import annotations

import socket
from functools import partial
from typing import TypeAlias

from supervisor.api import probe

SocketAddress: TypeAlias = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
"""An address as the functions of `socket` give and take it."""

Endpoint: TypeAlias = tuple[socket.AddressFamily, SocketAddress]
"""Where to connect to."""


async def resolve(host: str, port: int, kind: socket.SocketKind) -> list[Endpoint]:
    """Return the addresses of a name or an IP address, each once, in the resolver's order.

    Raises `socket.gaierror`, and `CheckFailed` while an earlier try still hangs. It is asked in a
    probe and not by trio, since a dead resolver would use up the threads that all checks share.
    """
    call = partial(socket.getaddrinfo, host, port, type=kind)
    try:
        found = await probe(f"name resolution of {host}", call)
    except ValueError:  # also UnicodeError: a label too long or empty
        raise socket.gaierror(socket.EAI_NONAME, "it is not a host name") from None
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def numeric(host: str, port: int) -> list[Endpoint]:
    """Return the endpoint if the host is an address, in the form in which the kernel returns it.

    Empty: it is a name, or an address with a zone.
    """
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            found = socket.inet_ntop(family, socket.inet_pton(family, host))
        except (OSError, ValueError):
            continue
        return [(family, (found, port))]
    return []


async def endpoints(host: str, port: int, kind: socket.SocketKind) -> list[Endpoint]:
    """Return the addresses of a name as `resolve` does. An address takes no thread."""
    return numeric(host, port) or await resolve(host, port, kind)


def host_port(host: str, port: int) -> str:
    """Return `127.0.0.1:80`, `[::1]:80`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
