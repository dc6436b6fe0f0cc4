"""The listening ports and their programs: modules of `connection` and `daemon`."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from supervisor.discover.draft import Draft, Finding, Item, quoted
from supervisor.discover.sources.listeners import Listener, ephemeral_ports
from supervisor.text import counted

INTERPRETERS = ("python", "perl", "ruby", "node", "java", "php", "bash", "sh", "dotnet", "mono")
"""How the names of programs begin that run other programs."""


def ports(listeners: Iterable[Listener]) -> Finding:
    """Return a module that connects to each port."""
    passing = ephemeral_ports()
    items, unseen = [], 0
    for listener in listeners:
        unseen += listener.program is None
        items.append(
            Item(
                f"{{ name = {quoted(listener.name)}, host = {quoted(listener.host)}, "
                f"port = {listener.port} }}",
                instance=listener.name,
                left_out="the next start of the program may choose another port"
                if listener.port in passing
                else "",
            )
        )
    left_out = []
    if unseen:
        ports = counted(unseen, "port")
        left_out.append(f"the programs of {ports}: other users' processes; run discover as root")
    left_out.append("UDP ports: nothing tells from outside whether they are served")
    about = "Ports that programs of this host listen on."
    draft = Draft("connection", about, tuple(items), key="servers")
    return Finding((draft,) if items else (), tuple(left_out))


def daemons(listeners: Iterable[Listener], units: Collection[str]) -> Finding:
    """Return a module that watches the programs of the ports, except those of watched units."""
    passing = ephemeral_ports()
    items: dict[str, Item] = {}
    left_out = []
    for listener in listeners:
        program = listener.program
        if program is None or program.name in items or listener.port in passing:
            continue
        if program.unit in units:
            left_out.append(f"process {program.name}: systemd_unit watches {program.unit}")
        elif is_interpreter(program.name):
            left_out.append(
                f"process {program.name} of port {listener.port}: an interpreter; "
                "name its script in a module of `daemon`"
            )
        else:
            text = f"{{ name = {quoted(program.name)} }}"
            items[program.name] = Item(text, instance=program.name, note=f"port {listener.port}")
    draft = Draft("daemon", "Programs behind the ports.", tuple(items.values()), key="daemons")
    return Finding((draft,) if items else (), tuple(dict.fromkeys(left_out)))


def is_interpreter(name: str) -> bool:
    """Return whether a program runs other programs, so that its name says little."""
    return name.rstrip("0123456789.") in INTERPRETERS
