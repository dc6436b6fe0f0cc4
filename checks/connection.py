"""Connects to TCP servers and says which of them cannot be reached.

Coming from Monit: `check host … port`; Icinga: `tcp`; Telegraf: `net_response`.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable, Sequence

import trio
from attrs import field, frozen

from checks._common.addresses import Endpoint, SocketAddress, host_port, numeric, resolve
from checks._common.deadlines import timeout_field
from checks._common.event_types import event_type_field
from checks._common.validators import (
    is_host,
    is_port,
    not_blank,
    unique,
)
from supervisor.api import CheckFailed, Condition, Context, Duration, Measurement, Observation

OUT_OF_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""Errors that say nothing of the server: this process or host has run out of something."""

WAS_CONNECTED = frozenset({0, errno.ECONNRESET, errno.EPIPE})
"""What the system says of a connection that was made. One that is refused is never reset."""


@frozen
class TcpServer:
    """One TCP server."""

    name: str = field(
        validator=not_blank("write what the server is called"),
        metadata={"help": "what it is called in the alert; unique"},
    )
    host: str = field(validator=is_host, metadata={"help": "an IPv4 or IPv6 address, or a name"})
    port: int = field(
        validator=is_port, metadata={"help": "its TCP port", "range": "from 1 to 65535"}
    )
    event_type: str = event_type_field("E", "when it fails")

    def __str__(self) -> str:
        return f"{self.name} ({host_port(self.host, self.port)})"


@frozen
class Params:
    """Which servers, and how long each may take to answer."""

    servers: tuple[TcpServer, ...] = field(
        validator=unique(lambda server: server.name),
        metadata={"help": "the servers; all are tried at once"},
    )
    connect_timeout: Duration = timeout_field(
        5, "how long a server may take, name resolution included"
    )


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return a condition for each server that cannot be reached, the connect time of others.

    Raises `CheckFailed` when this process lacks the resources to find out.
    """
    if len(params.servers) == 1:  # a nursery would take a third of the run
        return [await _examine(params.servers[0], params.connect_timeout)]
    observed: dict[str, Observation] = {}
    failed: list[CheckFailed] = []

    async def examine(server: TcpServer) -> None:
        try:
            observed[server.name] = await _examine(server, params.connect_timeout)
        except CheckFailed as error:  # the nursery would raise a group
            failed.append(error)

    async with trio.open_nursery() as nursery:
        for server in params.servers:
            nursery.start_soon(examine, server)
    if failed:
        raise failed[0]
    return [observed[server.name] for server in params.servers]


async def _examine(server: TcpServer, timeout: float) -> Observation:  # noqa: ASYNC109  # each server has its own
    cause = silence = f"no answer within {timeout:g} s"
    try:
        with trio.move_on_after(timeout):
            addresses = numeric(server.host, server.port)
            if not addresses:
                cause = f"cannot resolve the name: {silence}"
                addresses = await _resolve(server)
                cause = silence
            seconds = await _connect_any(addresses)
            return Measurement("connect_seconds", seconds, "s", {"server": server.name})
    except CheckFailed:
        pass  # an earlier name resolution still hangs: the cause is as it was then
    except ConnectionError as error:
        cause = str(error)
    except OSError as error:
        raise CheckFailed(f"cannot find out whether {server} is up: {error.strerror}") from None
    message = f"cannot connect to {server}: {cause}"
    return Condition("Connection failed", server.event_type, server.name, message)


async def _resolve(server: TcpServer) -> list[Endpoint]:
    """Return the addresses of a name; raises `ConnectionError` when it has none."""
    try:
        found = await resolve(server.host, server.port, socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno == socket.EAI_MEMORY:
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)) from None
        raise ConnectionError(f"cannot resolve the name: {error.strerror}") from None
    # Sorted, so that the message does not depend on the order of the name server.
    return sorted(found)


async def _connect_any(addresses: Sequence[Endpoint]) -> float:
    """Return the seconds of the first connect that succeeds; each has its share of the time."""
    if len(addresses) == 1:
        return await _connect(*addresses[0])
    causes = set()
    for others, address in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
        left = trio.current_effective_deadline() - trio.current_time()
        with trio.CancelScope() as scope:
            if others:
                scope.deadline = trio.current_time() + left / (others + 1)
            try:
                return await _connect(*address)
            except ConnectionError as error:
                causes.add(str(error))
        if scope.cancelled_caught:
            causes.add("no answer")
    raise ConnectionError(", ".join(sorted(causes)))


async def _connect(family: socket.AddressFamily, address: SocketAddress) -> float:
    """Return how many seconds the connect took; raises `ConnectionError` when it fails.

    Any other `OSError` says nothing of the server.
    """
    begun = trio.current_time()
    try:
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            error = sock.connect_ex(address)
            if error == errno.EINPROGRESS:
                error = sock.connect_ex(address)  # a port of this host has answered already
            if error == errno.EALREADY:
                await trio.lowlevel.wait_writable(sock)
                error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            # A connect to a free port of this host may connect the socket to itself.
            if error == 0 and sock.getsockname()[:2] == address[:2]:
                error = errno.ECONNREFUSED
    except OSError as failure:
        error = failure.errno or errno.EIO
    if error in WAS_CONNECTED:
        return trio.current_time() - begun
    out_of_ports = error == errno.EADDRNOTAVAIL and family == socket.AF_INET
    if error in OUT_OF_RESOURCES or out_of_ports:
        raise OSError(error, os.strerror(error))
    text = os.strerror(error)
    raise ConnectionError(text[:1].lower() + text[1:])
