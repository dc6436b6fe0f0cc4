"""The name servers that are asked: those of a service file, or those of this host."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from attrs import frozen

from checks._common.addresses import host_port
from supervisor.api import probe, read_regular_file

RESOLV_CONF = Path("/etc/resolv.conf")
"""Where this host names its name servers."""

MAX_FILE_BYTES = 64 * 1024
"""The size of that file that is read."""

MAX_SERVERS = 3
"""So many of them does the system's resolver use."""

PORT = 53
"""The port of DNS."""

_WRITTEN = re.compile(
    r"\[(?P<address>[^\[\]\s]+)\](?P<port>:[0-9]{1,5})?"
    r"|(?P<host>[^\[\]:\s]+)(?P<host_port>:[0-9]{1,5})?"
    r"|(?P<ipv6>[0-9A-Fa-f:.]+(%[^\[\]\s]+)?)"
)
"""How a server may be written: a host or an IPv4 address, an IPv6 address; brackets for a port."""


@frozen
class Server:
    """One name server."""

    host: str
    """An address or a name."""

    port: int = PORT

    def __str__(self) -> str:
        return self.host if self.port == PORT else host_port(self.host, self.port)


def server(text: str) -> Server:
    """Return the server that is written as "127.0.0.53" or "[::1]:5353"; raises `ValueError`."""
    found = _WRITTEN.fullmatch(text)
    port = found and (found["port"] or found["host_port"])
    number = int(port[1:]) if port else PORT
    if not found or not text.isprintable() or not 0 < number < 65536:
        raise ValueError(
            f"{text[:100]!r} is not a name server; write for example '127.0.0.53' or '[::1]:5353'"
        )
    return Server(found["address"] or found["host"] or found["ipv6"], number)


async def system_servers() -> tuple[Server, ...]:
    """Return the name servers that this host uses. Raises `OSError` and `CheckFailed`.

    Without any it is the one on this host, as for the system's resolver.
    """
    read = partial(read_regular_file, RESOLV_CONF, MAX_FILE_BYTES)
    try:
        text = await probe(f"read of {RESOLV_CONF}", read)
    except FileNotFoundError:
        text = b""
    return named_in(text.decode(errors="replace")) or (Server("127.0.0.1"),)


def named_in(resolv_conf: str) -> tuple[Server, ...]:
    """Return the servers that a resolv.conf names."""
    found = []
    for line in resolv_conf.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            found.append(Server(words[1]))
    return tuple(dict.fromkeys(found[:MAX_SERVERS]))
