"""What lies outside a daemon: clock, signals, systemd, files, peers, channels and checks."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import trio
from attrs import field, frozen

from supervisor.config.service import Service
from supervisor.delivery.fallback.tasks import sender
from supervisor.delivery.tasks import connect
from supervisor.host.clock import Clock
from supervisor.host.repeated_event import RepeatedEvent
from supervisor.host.systemd import Notifier
from supervisor.host.threads import Worker
from supervisor.modules.loader import Check, load_check

if TYPE_CHECKING:
    from supervisor.delivery.client import Client
    from supervisor.delivery.fallback.channels import FindSender


@frozen(kw_only=True)
class Environment:
    """Everything that a daemon meets and does not own. The defaults are those of a real host."""

    notifier: Notifier
    """Tells systemd what happens."""

    stopping: trio.Event
    """Set when the supervisor must stop."""

    reload_asked: RepeatedEvent
    """Set at each SIGHUP."""

    load: Callable[[], Service]
    """Reads the service file. Blocks. Raises `SupervisorError`."""

    connect: Callable[[Service], Sequence[Client]] = connect
    """Returns a client for each peer. Blocks to read certificates. Raises `SupervisorError`."""

    find_check: Callable[[str], Check] = load_check
    """Returns the check of a name. Raises `ConfigError`."""

    find_sender: FindSender = sender
    """Returns what sends the messages of the fallback on a channel."""

    clock: Clock = field(factory=Clock)
    """The host's clock."""

    ledger_worker: Worker = field(factory=lambda: Worker("ledger"))
    """The thread that reads and writes the ledger."""

    jitter: Callable[[], float] = random.random
    """Returns a number from 0 to 1."""
