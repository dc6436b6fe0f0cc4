"""The configuration file and the flags of an Alertmanager."""

from __future__ import annotations

from functools import cached_property

from attrs import frozen

from tests.simulation.alertmanager.inhibition import InhibitRule
from tests.simulation.alertmanager.route import Node, Receiver, Route

DEBIAN_12 = (0, 25)
"""The version that Debian 12 has."""


@frozen
class Settings:
    """The root route, what hangs below it, and the flags. Times are in seconds.

    Choose intervals that are whole numbers, or whole parts of 1/1024: sums are then exact.
    """

    group_by: tuple[str, ...] = ()
    """Labels; `("...",)` stands for all."""
    group_wait: float = 30.0
    group_interval: float = 300.0
    repeat_interval: float = 14_400.0
    resolve_timeout: float = 300.0
    receiver: str = "default"
    send_resolved: bool = True
    """For `receiver`. That of another route has its own."""
    routes: tuple[Route, ...] = ()
    inhibit_rules: tuple[InhibitRule, ...] = ()
    retention: float = 432_000.0
    """`--data.retention`: of the notification log, and of silences that have ended."""
    maintenance_interval: float = 900.0
    """`--data.maintenance-interval`: between two snapshots of notification log and silences."""
    gc_interval: float = 1_800.0
    """`--alerts.gc-interval`: between two removals of resolved alerts."""
    quick_receivers: bool = False
    """Whether a repeat interval that is a multiple of the group interval is over at its tick.

    In the real one this is a race of the receiver with the lateness of the ticks.
    """
    version: tuple[int, int] = DEBIAN_12
    """Which one is followed: see `README.md` for what changed."""

    @property
    def root(self) -> Route:
        """The route at the top, with everything set."""
        return Route(
            receiver=Receiver(self.receiver, self.send_resolved),
            group_by=self.group_by,
            group_wait=self.group_wait,
            group_interval=self.group_interval,
            repeat_interval=self.repeat_interval,
            routes=self.routes,
        )

    @cached_property
    def tree(self) -> Node:
        """The routes as they are used."""
        return self.root.node()

    @property
    def flushes_any_old_alert(self) -> bool:
        """Whether each old alert makes a new group send at once, or the first one alone."""
        return self.version < (0, 30)

    @property
    def keeps_empty_groups(self) -> bool:
        """Whether a group that is empty ticks on until the next clean-up."""
        return self.version < (0, 32)

    @property
    def repeats_by_the_tick(self) -> bool:
        """Whether the repeat interval is compared at the tick, or after the wait for peers."""
        return self.version >= (0, 32)
