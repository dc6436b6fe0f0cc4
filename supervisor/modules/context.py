"""What a check is told about its surroundings when it runs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from attrs import field, frozen

from supervisor.observations import Json


@frozen
class AlertView:
    """An alert as a report on the supervisor itself sees it. Times are aware."""

    alertname: str
    event_type: str
    instance: str
    check: str
    state: str
    message: str
    starts_at: datetime
    ends_at: datetime | None


@frozen
class RunView:
    """What one module has done since the supervisor started. `last_run` is aware."""

    module: str
    runs: int
    failures: int
    skipped: int
    last_run: datetime | None
    last_result: str


@frozen
class Context:
    """The second value a check is given: who it runs for, and its memory.

    `at` are the module's configured times of the day as "HH:MM", in their order; `state` is
    what the check left there in its last committed run and may be changed in place.
    """

    service: str
    host: str
    module: str
    timezone: ZoneInfo
    log: logging.LoggerAdapter[logging.Logger]
    clock: Callable[[], float]
    at: tuple[str, ...] = ()
    state: dict[str, Json] = field(factory=dict)
    list_alerts: Callable[[], tuple[AlertView, ...]] = field(default=tuple)
    list_runs: Callable[[], tuple[RunView, ...]] = field(default=tuple)

    def now(self) -> datetime:
        """Return the present time in the service's zone."""
        return datetime.fromtimestamp(self.clock(), self.timezone)

    def alerts(self) -> tuple[AlertView, ...]:
        """Return all alerts of this supervisor: those that fire, and the past that it keeps.

        An alert that fired several times is there several times.
        """
        return self.list_alerts()

    def runs(self) -> tuple[RunView, ...]:
        """Return what each module of this supervisor has done."""
        return self.list_runs()

    def render(self, template: str, **values: object) -> str:
        """Return HTML from a Jinja2 template text; every value is escaped."""
        import jinja2  # costs 26 ms: only checks that render pay for it

        environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
        return environment.from_string(template).render(values)
