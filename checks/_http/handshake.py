"""A TLS handshake with each address of a server, for its certificates. Used by `certificate`."""

from __future__ import annotations

import math
import socket
import ssl
from typing import Protocol

import trio
from attrs import define, evolve, field

from checks._common.addresses import Endpoint, resolve
from checks._common.deadlines import rounded, within
from checks._http.certificates import Validity, chain_of, of_chain
from checks._http.connection_errors import cause
from checks._http.smtp_starttls import start_tls
from supervisor.api import server_name

MAX_AT_ONCE = 16
"""How many addresses of one name are asked at once. A name may have any number."""


class TlsServer(Protocol):
    """A port that speaks TLS."""

    @property
    def host(self) -> str:
        """An IP address or a name."""

    @property
    def port(self) -> int:
        """Its TCP port."""

    @property
    def server_name(self) -> str:
        """The name that must be in the certificate. Empty: the host."""

    @property
    def starttls(self) -> str:
        """What asks for TLS first: "smtp", or nothing when it is empty."""


@define
class _Seen:
    """What the addresses of one server have shown."""

    chains: dict[Endpoint, tuple[Validity, ...]] = field(factory=dict)
    faulty: dict[Endpoint, Exception] = field(factory=dict)
    """What went wrong after the connection was made."""

    unreachable: dict[Endpoint, Exception] = field(factory=dict)
    """What went wrong before."""


async def look_at_all(server: TlsServer, context: ssl.SSLContext) -> tuple[Validity, ...]:
    """Return the certificates that a server shows, at each of the addresses of its name.

    An address that cannot be reached counts only when none can be: a host without IPv6 reaches
    some of them alone. The caller sets the deadline. Raises `OSError`, `ssl.SSLError`, `EOFError`,
    `ValueError` and `trio.TooSlowError`; a note says which of several addresses is at fault.
    """
    endpoints = sorted(await resolve(server.host, server.port, socket.SOCK_STREAM))
    if len(endpoints) == 1:
        return await _handshake(await _connect(endpoints[0]), server, context)
    seen = _Seen()
    seconds = within(math.inf)  # an address that is silent must not hide the others
    latest = trio.current_time() + seconds
    limiter = trio.CapacityLimiter(MAX_AT_ONCE)

    async def look(endpoint: Endpoint) -> None:
        try:
            with trio.fail_at(latest):
                stream = await _connect(endpoint)
        except (OSError, trio.TooSlowError) as error:
            seen.unreachable[endpoint] = error
            return
        try:
            with trio.fail_at(latest):
                seen.chains[endpoint] = await _handshake(stream, server, context)
        except trio.TooSlowError:
            seen.faulty[endpoint] = EOFError(f"no answer within {rounded(seconds)} s")
        except (OSError, EOFError, ValueError) as error:
            seen.faulty[endpoint] = error

    async def look_in_turn(endpoint: Endpoint) -> None:
        async with limiter:
            await look(endpoint)

    async with trio.open_nursery() as nursery:
        for endpoint in endpoints:
            nursery.start_soon(look_in_turn, endpoint)
    return _summary(seen)


def _summary(seen: _Seen) -> tuple[Validity, ...]:
    if seen.faulty:
        endpoint, error = min(seen.faulty.items(), key=lambda item: item[0])
        error.add_note(f"at {endpoint[1][0]}")
        raise error
    if seen.chains:
        chains = sorted(seen.chains.items())
        if len(set(seen.chains.values())) == 1:
            return chains[0][1]
        return tuple(
            evolve(each, place=str(address[0])) for (_, address), chain in chains for each in chain
        )
    said = {cause(error) for error in seen.unreachable.values() if isinstance(error, OSError)}
    if not said:
        raise trio.TooSlowError
    raise OSError(", ".join(sorted(said)))


async def _connect(endpoint: Endpoint) -> trio.SocketStream:
    family, address = endpoint
    sock = trio.socket.socket(family, socket.SOCK_STREAM)
    try:
        await sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return trio.SocketStream(sock)


async def _handshake(
    plain: trio.SocketStream, server: TlsServer, context: ssl.SSLContext
) -> tuple[Validity, ...]:
    async with plain:
        if server.starttls == "smtp":
            await start_tls(plain)
        name = server_name(server.server_name or server.host)
        tls = trio.SSLStream(plain, context, server_hostname=name, https_compatible=True)
        try:
            await tls.do_handshake()
        except trio.BrokenResourceError as error:
            if isinstance(error.__cause__, ssl.SSLError):
                raise error.__cause__ from None
            raise EOFError("the connection was closed during the handshake") from None
        chain = chain_of(tls._ssl_object)
    if not chain:
        raise ValueError("the server showed none")
    return of_chain(chain)
