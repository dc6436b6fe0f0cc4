"""Units of systemd: their names, and what `systemctl show` tells of them. For `systemd_unit`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import frozen

KINDS = (
    "automount",
    "device",
    "mount",
    "path",
    "scope",
    "service",
    "slice",
    "socket",
    "swap",
    "target",
    "timer",
)

PROPERTIES = (
    "Id",
    "Names",
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "ExecMainStatus",
    "NRestarts",
)
"""None that others may write freely, as they may a description."""

UP = ("active", "reloading", "refreshing")

MAX_NAME = 255

_CHARACTERS = re.compile(r"[A-Za-z0-9:_.\\@-]+")
"""systemd.unit(5); neither a pattern nor a path."""

_COUNT = re.compile("[0-9]{1,10}")


def full_name(name: str) -> str:
    """Return the name with its kind, as systemctl would add it; raises `ValueError`."""
    stem, _, kind = name.rpartition(".")
    full = name if stem and kind in KINDS else f"{name}.service"
    if not _CHARACTERS.fullmatch(name) or len(full) > MAX_NAME:
        raise ValueError(f"{name[:50]!r} is no unit; write for example 'ssh.service'")
    if "@." in full or full.startswith(("@", ".")):
        raise ValueError(f"{name[:50]!r} is a template; write one of its units, as 'x@y.service'")
    return full


@frozen
class Unit:
    """What one unit is now. `restarts` are those by systemd itself; None where it has none."""

    name: str
    aliases: frozenset[str]
    load: str
    active: str
    sub: str
    result: str
    status: str
    restarts: int | None

    @property
    def is_up(self) -> bool:
        return self.active in UP


def parse(text: str) -> Iterator[Unit]:
    """Yield the units of `systemctl show --property`; what is not understood is left out."""
    for block in re.split(r"\n[ \t]*\n", text):
        given = dict(_properties(block))
        name = given.get("Id", "")
        if name:
            restarts = given.get("NRestarts", "")
            yield Unit(
                name=name,
                aliases=frozenset([name, *given.get("Names", "").split()]),
                load=given.get("LoadState", ""),
                active=given.get("ActiveState", ""),
                sub=given.get("SubState", ""),
                result=given.get("Result", ""),
                status=given.get("ExecMainStatus", ""),
                restarts=int(restarts) if _COUNT.fullmatch(restarts) else None,
            )


def _properties(block: str) -> Iterator[tuple[str, str]]:
    for line in block.split("\n"):
        key, equals, value = line.strip().partition("=")
        if equals and key in PROPERTIES:
            yield key, value.strip()
