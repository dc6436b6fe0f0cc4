"""The timetable of one local day: each run of each module, and the busiest minute. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date

from attrs import frozen
from rich.cells import cell_len, chop_cells

from supervisor.config.service import Module, Service
from supervisor.schedule.local_day import LocalDay, local_day
from supervisor.schedule.schedule import Schedule, build
from supervisor.text import counted, printable

WIDEST = 40
"""Of a cell in the table, in columns of the terminal; longer ones are cut."""


@frozen
class PlannedRun:
    """A run that is due at `at` (Unix seconds)."""

    at: float
    module: str


@frozen
class Plan:
    """When each module of a service is due on one day in the service's zone.

    `peak_at` is the minute (Unix seconds) in which most runs are due, the first of them if there
    are several, `peak_runs` how many; None and 0 when nothing runs.
    """

    service: Service
    day: LocalDay
    schedules: Mapping[str, Schedule]
    peak_at: float | None
    peak_runs: int

    def ticks(self, module: Module) -> tuple[float, ...]:
        """Return when the module is due, in order; computed anew, since there may be millions."""
        return _ticks(module, self.schedules, self.day)

    @property
    def runs(self) -> tuple[PlannedRun, ...]:
        """All runs, sorted by time; modules of one instant keep their order."""
        runs = [
            PlannedRun(tick, module.name)
            for module in self.service.modules
            for tick in self.ticks(module)
        ]
        return tuple(sorted(runs, key=lambda run: run.at))


def plan(service: Service, day: date) -> Plan:
    """Return the timetable of a day from midnight to midnight, which may be 23 or 25 hours.

    Raises `UsageError` for a day at the edge of the calendar.
    """
    within = local_day(day, service.timezone)
    schedules = build(
        service.modules,
        service=service.service,
        host=service.labels["host"],
        timezone=service.timezone,
    )
    minutes: Counter[float] = Counter()
    for module in service.modules:
        minutes.update(tick // 60 * 60 for tick in _ticks(module, schedules, within))
    peak = max(minutes.items(), key=lambda entry: (entry[1], -entry[0]), default=(None, 0))
    return Plan(service, within, schedules, *peak)


def _ticks(module: Module, schedules: Mapping[str, Schedule], day: LocalDay) -> tuple[float, ...]:
    return schedules[module.name].between(day.start, day.end) if module.enabled else ()


def title(made: Plan) -> str:
    """Return whose day it is: service, date and zone."""
    service = cut(printable(made.service.service), WIDEST)
    return f"{service}, {made.day.date:%A} {made.day.date}, {made.day.timezone.key}"


def summary(made: Plan, total: int) -> str:
    """Return in words how many runs there are, and the busiest minute."""
    if made.peak_at is None:
        return "nothing runs"
    first = made.day.clock(made.peak_at)[:5]
    return f"{counted(total, 'run')}; at most {made.peak_runs} in one minute, first at {first}"


def in_words(module: Module) -> str:
    """Return a module's schedule as it is written: `every 5m`, `00:00-23:55 every 5m`."""
    if not module.enabled:
        return "disabled"
    every = "" if module.every is None else f"every {_span(module.every)}"
    ranged = any("-" in item for item in module.at)
    if not module.at:
        return every
    return ", ".join(module.at) + (f" {every}" if ranged else "")


def _span(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def cut(text: str, most: int) -> str:
    """Return text that takes at most so many columns of a terminal, with a mark where it is cut."""
    return text if cell_len(text) <= most else f"{chop_cells(text, most - 1)[0]}…"
