"""Counters of each module since the start, for the status, reports and metrics."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from attrs import define, field

from supervisor.config.service import Service
from supervisor.observations import Measurement, Result, Run
from supervisor.stats.histogram import Histogram
from supervisor.stats.outcome import outcome
from supervisor.stats.recent_runs import RecentRuns
from supervisor.stats.recent_values import RecentValues


@define
class ModuleStats:
    """The counters of one module. Times are Unix seconds.

    The runner writes what is planned. The recorder writes what is committed.
    """

    name: str
    check: str
    state: Literal["waiting", "running", "disabled"] = "waiting"
    next_run: float | None = None
    last_run: float | None = None
    last_seconds: float | None = None
    last_result: Result | None = None
    last_success: float | None = None
    runs: int = 0
    failures: int = 0
    skipped: Counter[str] = field(factory=Counter)
    """Times without a run, by their reasons."""
    lag: float = 0.0
    """Seconds from the time of the last run to its start."""
    measurements: tuple[Measurement, ...] = ()
    """Of the last run that did not fail."""
    results: Counter[str] = field(factory=Counter)
    """Runs, by their results."""
    durations: Histogram = field(factory=Histogram)
    recent: RecentRuns = field(factory=RecentRuns)
    values: RecentValues | None = None
    """The last values of the measurements. None: there is no status page to show them."""
    output: str = ""
    """What the last run has shown. Empty if there is no status page."""
    listeners: tuple[list[dict[str, Any]], ...] = ()
    """Each gets the outcome of the next run that is committed."""
    ran_before: bool = False
    """The ledger knows of a run before the start."""
    looks: bool = True
    """Its runs tell how things are. A check that reports on the other modules does not."""

    @property
    def is_awaited(self) -> bool:
        """Whether nothing is known yet of what it looks at."""
        return self.looks and self.state != "disabled" and not (self.runs or self.ran_before)

    def finish(self, run: Run) -> None:
        """Count a run whose observations are committed."""
        result = run.result
        self.runs += 1
        self.last_run = run.started
        self.last_seconds = run.seconds
        self.last_result = result
        self.lag = max(0.0, run.started - run.scheduled)
        self.results[result] += 1
        self.durations.observe(run.seconds)
        self.recent.add(run.started, run.seconds, result)
        listeners, self.listeners = self.listeners, ()
        for listener in listeners:
            listener.append(outcome(run))
        if self.values is not None:
            self.output = run.output
        if run.error:
            self.failures += 1
        else:
            self.last_success = run.started
            self.measurements = tuple(
                item for item in run.observations if isinstance(item, Measurement)
            )
            if self.values is not None:
                self.values.add(self.measurements)


def fit(stats: dict[str, ModuleStats], service: Service) -> None:
    """Keep stats for the modules of the service only.

    A module that was there before, with the same check, keeps its counters. Values and output are
    kept only where there is a status page.
    """
    known, is_shown = dict(stats), bool(service.status.listen)
    stats.clear()
    for module in service.modules:
        old = known.get(module.name)
        new = old if old and old.check == module.check else ModuleStats(module.name, module.check)
        if not is_shown:
            new.values, new.output = None, ""
        elif new.values is None:
            new.values = RecentValues()
        if not module.enabled:
            new.state, new.next_run = "disabled", None
        elif new.state == "disabled":
            new.state = "waiting"
        stats[module.name] = new
