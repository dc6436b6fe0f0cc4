"""Servers for the tests of the `connection` check, and what it says of them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from checks import connection
from checks.connection import Params, TcpServer
from supervisor.api import Condition, Duration, Measurement, Observation
from tests.support.check_context import context

HOST = "127.0.14.31"
"""Where the servers of these tests listen."""


async def look(*servers: TcpServer, within: float = 5) -> list[Observation]:
    return list(await connection.run(context(), Params(servers, Duration(within))))


async def cause(server: TcpServer, within: float = 5) -> str:
    """Return why the server cannot be reached."""
    (condition,) = await look(server, within=within)
    assert isinstance(condition, Condition)
    prefix = f"cannot connect to {server}: "
    assert condition.message.startswith(prefix)
    return condition.message.removeprefix(prefix)


async def up(*servers: TcpServer, within: float = 5) -> list[bool]:
    return [isinstance(seen, Measurement) for seen in await look(*servers, within=within)]


def at(sock: socket.socket, name: str = "USTD-DEV1", **settings: str) -> TcpServer:
    host, port = sock.getsockname()[:2]
    return TcpServer(**{"name": name, "host": host, "port": port, **settings})


@contextmanager
def listener(host: str = HOST, port: int = 0) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as sock:
        yield sock


@contextmanager
def closed_port(host: str = HOST) -> Iterator[socket.socket]:
    """Hold a port on which no process listens."""
    with socket.socket() as sock:
        sock.bind((host, 0))
        yield sock
