"""The TCP ports that this host listens on, and the programs behind them.

Reads /proc alone. It reads no command line and no environment, which may hold passwords.
"""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from attrs import frozen

_LISTENING = "0A"
"""The state of a listening socket in /proc/net/tcp."""

_UNIT = re.compile(r"/([^/]+\.service)(?:/|$)")
"""The unit of systemd in a line of /proc/PID/cgroup."""

_UNUSUAL = re.compile(r"[^\w.+@-]")
"""Characters that a name of a program seldom has."""

_SOCKET = re.compile(r"socket:\[([0-9]+)\]")


@frozen
class Program:
    """The program of a process."""

    pid: int
    name: str
    """The name of its file, or what the kernel calls the process."""
    unit: str = ""
    """The unit of systemd that it belongs to."""


@frozen
class Listener:
    """One listening port."""

    port: int
    host: str
    """Where this host reaches it."""
    program: Program | None = None
    """None: another user's, so it cannot be seen."""

    @property
    def name(self) -> str:
        """A name for people, such as `nginx-443`."""
        return f"{self.program.name if self.program else 'port'}-{self.port}"


def listeners() -> list[Listener]:
    """Return one listener for each port, sorted. A port on loopback and elsewhere counts once."""
    programs = _programs()
    found: dict[int, Listener] = {}
    for host, port, inode in _sockets():
        listener = Listener(port, host, programs.get(inode))
        # An address of IPv4 is the plainest, and loopback needs no network.
        if port not in found or _rank(host) < _rank(found[port].host):
            found[port] = listener
    return [found[port] for port in sorted(found)]


def ephemeral_ports() -> range:
    """Return the ports that the kernel gives to programs that do not ask for a certain one."""
    try:
        first, last = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()
        return range(int(first), int(last) + 1)
    except (OSError, ValueError):
        return range(32768, 61000)


def _rank(host: str) -> tuple[bool, bool]:
    address = ipaddress.ip_address(host)
    return not address.is_loopback, address.version == 6


def _sockets() -> Iterator[tuple[str, int, str]]:
    """Yield host, port and inode of each listening socket."""
    for path, loopback in (("/proc/net/tcp", "127.0.0.1"), ("/proc/net/tcp6", "::1")):
        with suppress(OSError):
            for line in Path(path).read_text("ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING:
                    address, _, port = fields[1].partition(":")
                    host = _address(address)
                    yield loopback if host.is_unspecified else str(host), int(port, 16), fields[9]


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the address that the kernel writes as words of the machine's byte order."""
    words = [int(text[start : start + 8], 16) for start in range(0, len(text), 8)]
    raw = b"".join(word.to_bytes(4, sys.byteorder) for word in words)
    address = ipaddress.ip_address(raw)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _programs() -> Mapping[str, Program]:
    """Return the programs by the inodes of their sockets. Of several, the oldest counts."""
    found: dict[str, Program] = {}
    for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdecimal()):
        with suppress(OSError):
            if inodes := [*_inodes(pid)]:
                program = _program(pid)
                found = {**dict.fromkeys(inodes, program), **found}
    return found


def _inodes(pid: int) -> Iterator[str]:
    with os.scandir(f"/proc/{pid}/fd") as entries:
        for entry in entries:
            with suppress(OSError):  # it has just been closed
                if match := _SOCKET.fullmatch(os.readlink(entry.path)):
                    yield match[1]


def _program(pid: int) -> Program:
    try:
        name = Path(os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")).name
    except OSError:
        name = Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip()
    name = _UNUSUAL.sub("_", name) or "process"
    unit = _UNIT.search(Path(f"/proc/{pid}/cgroup").read_text("utf-8", "replace"))
    return Program(pid, name, unit[1] if unit else "")
