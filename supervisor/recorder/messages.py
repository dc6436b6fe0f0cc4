"""What tasks send to the recorder."""

from __future__ import annotations

from typing import TypeAlias

import trio
from attrs import define, field

from supervisor.alerts.alert import SelfAlert
from supervisor.config.service import Service
from supervisor.observations import Run


@define
class Ping:
    """Answered when everything sent before it is on disk; the watchdog's question."""

    committed: trio.Event = field(factory=trio.Event)


@define
class WakeUp:
    """Nothing to record, but cursors to be written or times to be looked at."""


@define
class Reload:
    """The configuration has changed; `applied` is set once what is there has been fitted to it."""

    service: Service
    applied: trio.Event = field(factory=trio.Event)


Message: TypeAlias = Run | SelfAlert | Ping | WakeUp | Reload
