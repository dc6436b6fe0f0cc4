"""What tasks send to the recorder."""

from __future__ import annotations

from typing import TypeAlias

import trio
from attrs import define, field

from supervisor.alerts.self_alerts import SelfAlert
from supervisor.config.service import Service
from supervisor.observations import Run


@define
class Ping:
    """The watchdog's question: is everything on disk that was sent before?"""

    committed: trio.Event = field(factory=trio.Event)
    """Set when it is."""


@define
class WakeUp:
    """There is nothing to record, but there are cursors to write, or the clock was set."""


@define
class Reload:
    """The configuration has changed."""

    service: Service
    """The new one."""

    applied: trio.Event = field(factory=trio.Event)
    """Set once all alerts have been fitted to it."""


Message: TypeAlias = Run | SelfAlert | Ping | WakeUp | Reload
"""A finished run, a self-alert, or one of the above."""
