"""What other tasks send to the recorder."""

from __future__ import annotations

from typing import TypeAlias

import trio
from attrs import define, field

from supervisor.alerts.self_alerts import SelfAlert
from supervisor.config.service import Service
from supervisor.observations import Json, Run

FALLBACK = "fallback"
"""The key under which the fallback keeps what it has told."""


@define(eq=False, repr=False)
class Ping:
    """The watchdog asks whether all earlier messages are on disk."""

    committed: trio.Event = field(factory=trio.Event)
    """Set when they are."""


@define(eq=False, repr=False)
class WakeUp:
    """There are cursors to write, or the clock was set. There is nothing to record."""


@define(eq=False, repr=False)
class Remember:
    """Something that the supervisor itself must know after a restart."""

    key: str
    """What it is about."""

    value: Json
    """What must be known. None: nothing any more."""

    committed: trio.Event = field(factory=trio.Event)
    """Set when it is on disk, or cannot be written and is kept in memory."""


@define(eq=False, repr=False)
class Reload:
    """The configuration has changed."""

    service: Service
    """The new configuration."""

    applied: trio.Event = field(factory=trio.Event)
    """Set when all alerts fit the new configuration."""


Message: TypeAlias = Run | SelfAlert | Ping | WakeUp | Remember | Reload
"""All that the recorder receives."""
