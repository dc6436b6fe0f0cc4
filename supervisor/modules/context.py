"""What a check gets when it runs, beside its parameters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from attrs import field, frozen

from supervisor.observations import Json
from supervisor.text import MAX_MESSAGE_BYTES, clean_text


@frozen
class AlertView:
    """An alert of this supervisor, for a check that reports on them. Times are aware."""

    alertname: str
    """The label `alertname`."""

    event_type: str
    """The label `event_type`."""

    instance: str
    """The label `instance`. Empty for reports."""

    check: str
    """The name of the module that saw it; "supervisor" for alerts about the supervisor."""

    state: str
    """One of "firing", "over", "resolved", "report" and "held", see docs/reference/ledger.md."""

    message: str
    """The annotation `message`."""

    starts_at: datetime
    """When it fired, or when the report was recorded."""

    ends_at: datetime | None
    """When it ended, or when the report expires. None while it fires."""


@frozen
class RunView:
    """What one module has done since the supervisor started."""

    module: str
    """The module's name."""

    runs: int
    """How many runs have ended."""

    failures: int
    """How many of these have failed."""

    skipped: int
    """How many times of its timetable were skipped."""

    last_run: datetime | None
    """When the last run began, as an aware time. None before the first."""

    last_result: str
    """The result of the last run. Empty before the first."""

    enabled: bool = True
    """Whether it runs at all."""

    awaited: bool = field()
    """Whether nothing is known yet of what it looks at: it never ran, here or before the start."""

    @awaited.default
    def _has_not_run(self) -> bool:
        return self.enabled and not self.runs


@frozen
class Context:
    """The first argument of a check's `run`: for whom it runs, and what it keeps."""

    service: str
    """The name of the service."""

    host: str
    """The label `host` of the service."""

    module: str
    """The name of the module that runs the check."""

    timezone: ZoneInfo
    """The service's time zone."""

    log: logging.LoggerAdapter[logging.Logger]
    """A logger that adds the module's name."""

    clock: Callable[[], float]
    """Returns the present time in Unix seconds."""

    at: tuple[str, ...] = ()
    """The module's times of day as "HH:MM", in the order of the service file."""

    service_file: str = ""
    """The name of the service file without .toml: what `--service` is given."""

    state: dict[str, Json] = field(factory=dict)
    """What the check kept in its last run that succeeded. The check may change it in place."""

    list_alerts: Callable[[], tuple[AlertView, ...]] = field(default=tuple)
    """Returns what `alerts` returns."""

    list_runs: Callable[[], tuple[RunView, ...]] = field(default=tuple)
    """Returns what `runs` returns."""

    is_on_disk: Callable[[Mapping[str, Json]], bool] = field(default=lambda _state: True)
    """Returns what `is_saved` returns."""

    shown: list[str] = field(factory=list)
    """What the check has shown in this run, at most one text."""

    def now(self) -> datetime:
        """Return the present time in the service's zone."""
        return datetime.fromtimestamp(self.clock(), self.timezone)

    def alerts(self) -> tuple[AlertView, ...]:
        """Return the present alerts of this supervisor, and the past ones that it keeps.

        An alert that fired several times is there several times.
        """
        return self.list_alerts()

    def runs(self) -> tuple[RunView, ...]:
        """Return what each module of this supervisor has done."""
        return self.list_runs()

    def is_saved(self, state: Mapping[str, Json]) -> bool:
        """Return whether the ledger on the disk holds this state of the module.

        A check that removes what it has read must wait for that. What it leaves in `state` is
        written after its run, so the next run may ask about what it was given.
        """
        return self.is_on_disk(state)

    def show(self, text: str) -> None:
        """Show plain text on the module's page as its last output. It goes nowhere else.

        Of a long text only the first 4 KiB are kept. Secrets do not belong there.
        """
        self.shown[:] = [clean_text(str(text), MAX_MESSAGE_BYTES)]

    def render(self, template: str, **values: object) -> str:
        """Return HTML from the text of a Jinja2 template. Every value is escaped."""
        import jinja2  # takes 26 ms, and most checks do not render

        environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
        return environment.from_string(template).render(values)
