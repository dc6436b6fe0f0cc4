"""The timetable of one local day: each run of each module, and the busiest minute. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING

from attrs import field, frozen
from rich.cells import cell_len, chop_cells

from supervisor.config.calendars.calendar import Calendar
from supervisor.config.service import Module, Service
from supervisor.schedule.left_out import LeftOut, left_out
from supervisor.schedule.local_day import LocalDay, local_day
from supervisor.schedule.schedule import Schedule, schedules, times_of_day
from supervisor.text import counted, duration, printable

if TYPE_CHECKING:
    from supervisor.schedule.other_params import OtherParams
    from supervisor.schedule.windows import Window

MAX_CELL_WIDTH = 40
"""Columns of the terminal for a cell of the table. Longer ones are cut."""


MAX_CHANGED_WIDTH = 100
"""Columns of the terminal for the parameters that a module has at other times."""


@frozen
class PlannedRun:
    """A run that is due at `at` (Unix seconds)."""

    at: float
    module: str


@frozen
class Expected:
    """Something that must happen by itself, such as a job, at times of the day (Unix seconds)."""

    module: str
    name: str
    at: tuple[float, ...]
    left_out: LeftOut | None = None
    """What a calendar leaves out."""


@frozen
class Plan:
    """When each module of a service is due on one day in the service's zone."""

    service: Service
    day: LocalDay
    schedules: Mapping[str, Schedule]
    """By the module's name."""

    peak_at: float | None
    """The first minute (Unix seconds) in which most runs are due; None when nothing runs."""

    peak_runs: int
    """The runs in that minute."""

    moments: int
    """At how many different times runs are due. Each may wake the process once."""

    left_out: Mapping[str, LeftOut] = field(factory=dict)
    """What calendars leave out, by the module's name."""

    windows: tuple[Window, ...] = ()
    """The maintenance windows that hold something on that day."""

    others: tuple[OtherParams, ...] = ()
    """When modules have other parameters."""

    def ticks(self, module: Module) -> tuple[float, ...]:
        """Return when the module is due, in order. They are not kept: there may be millions."""
        return _ticks(module, self.schedules, self.day)

    @property
    def runs(self) -> tuple[PlannedRun, ...]:
        """All runs, sorted by time. Runs at the same time are in the order of their modules."""
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
    timetables = schedules(service)
    minutes: Counter[float] = Counter()
    moments: set[int] = set()
    for schedule, modules in Counter(_enabled(service, timetables)).items():
        for tick in schedule.between(within.start, within.end):
            minutes[tick // 60 * 60] += modules
            moments.add(round(tick * 1000))
    peak_at, peak_runs = max(
        minutes.items(), key=lambda entry: (entry[1], -entry[0]), default=(None, 0)
    )
    return Plan(
        service=service,
        day=within,
        schedules=timetables,
        peak_at=peak_at,
        peak_runs=peak_runs,
        moments=len(moments),
        left_out={
            module.name: found
            for module in service.modules
            if module.enabled and module.except_
            if (found := left_out(timetables[module.name], within, module.name))
        },
        windows=_windows(service, within),
        others=_others(service, within),
    )


def _windows(service: Service, day: LocalDay) -> tuple[Window, ...]:
    if not service.maintenance:
        return ()
    from supervisor.schedule.windows import of_day  # few services have windows

    return of_day(service, day.start, day.end)


def _others(service: Service, day: LocalDay) -> tuple[OtherParams, ...]:
    if not any(module.during for module in service.modules):
        return ()
    from supervisor.schedule.other_params import other_params  # few modules have them

    return tuple(
        each
        for module in service.modules
        if module.enabled
        for each in other_params(module, day, service.timezone)
    )


def _enabled(service: Service, schedules: Mapping[str, Schedule]) -> Iterator[Schedule]:
    return (schedules[module.name] for module in service.modules if module.enabled)


def _ticks(module: Module, schedules: Mapping[str, Schedule], day: LocalDay) -> tuple[float, ...]:
    return schedules[module.name].between(day.start, day.end) if module.enabled else ()


def expected(
    made: Plan, named: Iterable[tuple[str, str, tuple[str, ...], tuple[Calendar, ...]]]
) -> tuple[Expected, ...]:
    """Return when what modules expect is due, from module, name, times and calendars."""
    day, zone = made.day, made.service.timezone
    found = []
    for module, name, at, except_ in named:
        times = times_of_day(at, zone, except_)
        due = times.between(day.start, day.end)
        found.append(Expected(module, name, due, left_out(times, day, module, name)))
    return tuple(found)


def holidays(found: Iterable[LeftOut]) -> str:
    """Return the holidays of a day in words; empty if nothing is left out."""
    names = dict.fromkeys(f"{printable(each.holiday)} ({each.calendar})" for each in found)
    return f"holiday: {', '.join(names)}" if names else ""


def window_words(window: Window, day: LocalDay) -> str:
    """Return a maintenance window in words: when it is, how long it settles, what it holds."""
    held = window.maintenance
    name, modules = printable(held.name), ", ".join(map(printable, held.modules)) or "all modules"
    start, end = (day.clock(moment)[:5] for moment in (window.start, window.end))
    settle = f", then {duration(held.settle)} to settle" if held.settle else ""
    return f"maintenance: {name} {start}-{end}{settle}; holds {modules}"


def others_words(other: OtherParams, day: LocalDay) -> str:
    """Return in words when a module has other parameters, and which."""
    start, end = (day.clock(moment)[:5] for moment in (other.start, other.end))
    changed = printable(", ".join(other.changed))
    return f"{printable(other.module)} {start}-{end}: {cut(changed, MAX_CHANGED_WIDTH)}"


def title(made: Plan) -> str:
    """Return whose day it is: service, date and zone."""
    service = cut(printable(made.service.service), MAX_CELL_WIDTH)
    return f"{service}, {made.day.date:%A} {made.day.date}, {made.day.timezone.key}"


def summary(made: Plan, total: int) -> str:
    """Return the number of runs, at how many times they are due, and the busiest minute."""
    if made.peak_at is None:
        return "nothing runs"
    first = made.day.clock(made.peak_at)[:5]
    runs = f"{counted(total, 'run')} at {counted(made.moments, 'time')}"
    return f"{runs}; at most {made.peak_runs} in one minute, first at {first}"


def in_words(module: Module) -> str:
    """Return a module's schedule in words: `every 5m`, `00:00-23:55 every 5m`."""
    if not module.enabled:
        return "disabled"
    every = "" if module.every is None else f"every {duration(module.every)}"
    ranged = any("-" in item.rpartition(" ")[2] for item in module.at)
    if not module.at:
        return every
    times = ", ".join(module.at) + (f" {every}" if ranged else "")
    calendars = ", ".join(calendar.path.name for calendar in module.except_)
    return f"{times} except {calendars}" if calendars else times


def cut(text: str, width: int) -> str:
    """Return text that takes at most `width` columns of a terminal, with a mark where it is cut."""
    return text if cell_len(text) <= width else f"{chop_cells(text, width - 1)[0]}…"
