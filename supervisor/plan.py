"""The timetable of one local day: each run of each module, and the busiest minute. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from attrs import frozen

from supervisor.errors import UsageError
from supervisor.schedule import build, instant
from supervisor.service import Module, Service


@frozen
class PlannedRun:
    """A run that is due at `at` (Unix seconds)."""

    at: float
    module: str


@frozen
class Plan:
    """All runs of one day in the service's zone, sorted by time.

    `peak_at` is the minute (Unix seconds) in which most runs are due, `peak_runs` how many;
    None and 0 when nothing runs.
    """

    service: Service
    day: date
    runs: tuple[PlannedRun, ...]
    peak_at: float | None
    peak_runs: int


def plan(service: Service, day: date) -> Plan:
    """Return the timetable of a day from midnight to midnight, which may be 23 or 25 hours.

    Raises `UsageError` for a day at the edge of the calendar.
    """
    if not 1 < day.year < 9999:
        raise UsageError(f"cannot plan {day}: the calendar ends there; choose another day")
    schedules = build(
        service.modules,
        service=service.service,
        host=service.labels["host"],
        timezone=service.timezone,
    )
    start, end = (instant(each, 0, service.timezone) for each in (day, day + timedelta(1)))
    runs = [
        PlannedRun(tick, module.name)
        for module in service.modules
        if module.enabled
        for tick in schedules[module.name].between(start, end)
    ]
    runs.sort(key=lambda run: run.at)  # stable: modules of one instant keep their order
    minutes = Counter(run.at // 60 * 60 for run in runs)
    peak = max(minutes.items(), key=lambda entry: (entry[1], -entry[0]), default=(None, 0))
    return Plan(service, day, tuple(runs), *peak)


def as_json(made: Plan) -> dict[str, Any]:
    """Return the plan in the contract's shape; times as RFC 3339 with the zone's offset."""
    zone = made.service.timezone
    return {
        "service": made.service.service,
        "date": made.day.isoformat(),
        "timezone": zone.key,
        "runs": [{"at": _rfc3339(run.at, zone), "module": run.module} for run in made.runs],
        "peak": {
            "at": None if made.peak_at is None else _rfc3339(made.peak_at, zone),
            "runs": made.peak_runs,
        },
    }


def as_text(made: Plan) -> str:
    """Return a table for people: a line for each module, then the busiest minute."""
    zone = made.service.timezone
    rows = [("MODULE", "CHECK", "SCHEDULE", "RUNS", "FIRST", "LAST")]
    ticks: defaultdict[str, list[float]] = defaultdict(list)
    for run in made.runs:
        ticks[run.module].append(run.at)
    for module in made.service.modules:
        times = ticks[module.name]
        first, last = (_clock(times[0], zone), _clock(times[-1], zone)) if times else ("-", "-")
        rows.append((module.name, module.check, in_words(module), str(len(times)), first, last))
    title = f"{made.service.service}, {made.day:%A} {made.day}, {zone.key}"
    peak = "nothing runs"
    if made.peak_at is not None:
        most = f"at most {made.peak_runs} in one minute, first at {_clock(made.peak_at, zone)[:5]}"
        peak = f"{len(made.runs)} runs; {most}"
    return f"{title}\n\n{_aligned(rows)}\n\n{peak}"


def in_words(module: Module) -> str:
    """Return a module's schedule as it is written: `every 5m`, `00:00-23:55 every 5m`."""
    if not module.enabled:
        return "disabled"
    every = "" if module.every is None else f"every {_span(module.every)}"
    ranged = any("-" in item for item in module.at)
    if not module.at:
        return every
    return ", ".join(module.at) + (f" {every}" if ranged else "")


def _rfc3339(moment: float, zone: ZoneInfo) -> str:
    at = datetime.fromtimestamp(round(moment, 3), zone)
    return at.isoformat(timespec="milliseconds" if at.microsecond else "seconds")


def _clock(moment: float, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(moment, zone):%H:%M:%S}"


def _span(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def _aligned(rows: Iterable[tuple[str, ...]]) -> str:
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
