"""Units of systemd: their names, and the answer of `systemctl show`. Used by `systemd_unit`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

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
"""The kinds of units."""

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
"""The properties that are asked for. None holds free text, as a description does."""

FIGURES = ("ControlGroup", "InvocationID", "MemoryCurrent", "CPUUsageNSec", "TasksCurrent")
"""The properties that are asked for, too, if a unit has a limit for what it uses."""

WITH_GROUP = ("mount", "scope", "service", "slice", "socket", "swap")
"""The kinds of units that have processes, and so a control group."""

UP = ("active", "reloading", "refreshing")
"""The states of a unit that works."""

ALSO = {
    ("timer", "waiting"): "running",
    ("path", "waiting"): "running",
    ("automount", "waiting"): "running",
    ("socket", "listening"): "running",
    ("swap", "active"): "activating-done",
}
"""The kinds of units whose sub-state changes while they do their work: the second is as good.

A timer is "running" while the service that it has started runs. Then it is "waiting" again.
"""

MAX_NAME = 255
"""The most characters of a unit's name."""

_CHARACTERS = re.compile(r"[A-Za-z0-9:_.\\@-]+")
"""A name by systemd.unit(5). It is neither a pattern nor a path."""

_COUNT = re.compile("[0-9]{1,10}")
"""A number of restarts."""

_FIGURE = re.compile("[0-9]{1,19}")
"""A figure that systemd knows. What it does not know is longer, or "[not set]"."""


def full_name(name: str) -> str:
    """Return the name with its kind, as systemctl completes it. Raises `ValueError`."""
    stem, _, kind = name.rpartition(".")
    full = name if stem and kind in KINDS else f"{name}.service"
    if not _CHARACTERS.fullmatch(name) or len(full) > MAX_NAME:
        raise ValueError(f"{name[:50]!r} is not a unit; write for example 'ssh.service'")
    if "@." in full or full.startswith(("@", ".")):
        raise ValueError(f"{name[:50]!r} is a template; write one of its units, as 'x@y.service'")
    return full


@frozen
class Unit:
    """The state of one unit."""

    name: str
    aliases: frozenset[str]
    load: str
    active: str
    sub: str
    result: str
    status: str
    restarts: int | None
    """How often systemd itself restarted it. None for a kind that it does not restart."""

    group: str = ""
    """Its control group. Empty: it has no processes, or it was not asked for."""

    invocation: str = ""
    """Differs after each start of the unit."""

    memory: int | None = None
    """Bytes. None, as in the next two: it was not asked for, or systemd does not know it."""

    processor: int | None = None
    """Nanoseconds of a processor since its start."""

    tasks: int | None = None
    """Processes and threads."""

    @property
    def is_up(self) -> bool:
        """Whether it works."""
        return self.active in UP

    @property
    def is_changing(self) -> bool:
        """Whether it works, and reads its configuration again at the same time."""
        return self.is_up and self.active != "active"

    def is_in(self, sub_states: Collection[str]) -> bool:
        """Return whether it is in one of these sub-states, or in one that is as good.

        A unit that is reloading has left its sub-state for a moment.
        """
        kind = self.name.rpartition(".")[2]
        also = {ALSO.get((kind, state)) for state in sub_states}
        return self.sub in sub_states or self.sub in also or self.is_changing


def parse(text: str) -> Iterator[Unit]:
    """Yield the units in an answer of `systemctl show --property`. Other lines are left out."""
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
                group=given.get("ControlGroup", ""),
                invocation=given.get("InvocationID", ""),
                memory=_figure(given.get("MemoryCurrent", "")),
                processor=_figure(given.get("CPUUsageNSec", "")),
                tasks=_figure(given.get("TasksCurrent", "")),
            )


def _figure(text: str) -> int | None:
    """Return a figure, None for "[not set]"."""
    return int(text) if _FIGURE.fullmatch(text) else None


def _properties(block: str) -> Iterator[tuple[str, str]]:
    for line in block.split("\n"):
        key, equals, value = line.strip().partition("=")
        if equals and key in (*PROPERTIES, *FIGURES):
            yield key, value.strip()
