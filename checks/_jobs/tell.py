"""What a job's record says: conditions, figures, and a line for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from signal import Signals
from zoneinfo import ZoneInfo

from attrs import frozen

from checks._common.durations import long_span, span
from checks._common.limits import compared
from checks._jobs.due import Timetable
from checks._jobs.record import LOST, Ended, JobRecord, Limits
from checks._jobs.report import Instant
from supervisor.api import Condition, Measurement, Observation, preformatted

MINUTE = 60.0
"""Seconds."""


@frozen
class EventTypes:
    """The event types of the two conditions that have a choice."""

    missing: str
    failed: str


def conditions(
    name: str, record: JobRecord, table: Timetable, limits: Limits, types: EventTypes
) -> Iterator[Condition]:
    """Yield what is wrong with a job."""
    zone = table.timezone
    if record.missing is not None:
        until = clock(record.missing + table.grace, zone)
        message = f"no success by {until}; it was due at {clock(record.missing, zone)}, "
        message += _last_success(record, zone)
        yield Condition("Job missing", types.missing, name, message)
    if record.failed and record.ended is not None:
        message = f"{_how(record.ended)} at {clock(record.ended.when.at, zone)}"
        if record.ended.seconds is not None:
            message += f", after {_took(record.ended.seconds)}"
        detail = preformatted(record.ended.output) if record.ended.output else ""
        yield Condition("Job failed", types.failed, name, message, detail=detail)
    yield from _wrong_durations(name, record, limits)


def _wrong_durations(name: str, record: JobRecord, limits: Limits) -> Iterator[Condition]:
    if limits.at_most and (crossing := limits.slow(record.slow)):
        too_long = "" if limits.at_most.is_plain else "too long"
        message = f"a run takes, or took, {too_long}{compared('longer than', limits.at_most, span)}"
        yield crossing.condition("Job slow", name, message)
    if limits.at_least and record.fast is not None and (crossing := limits.fast(record.fast)):
        less = compared(", less than", limits.at_least, span)
        message = f"a success took {_took(record.fast)}{less}"
        yield crossing.condition("Job too fast", name, message)


def figures(name: str, record: JobRecord, table: Timetable, now: float) -> Iterator[Observation]:
    """Yield the figures of a job."""
    values: list[tuple[str, float | None, str]] = [
        ("job_last_start_age", _age(record.start, now), "s"),
        ("job_last_success_age", _age(record.success, now), "s"),
        ("job_duration", record.ended.seconds if record.ended else None, "s"),
        ("job_exit_code", record.ended.exit if record.ended else None, ""),
        ("job_running", len(record.running), ""),
        ("job_successes", record.successes, ""),
        ("job_failures", record.failures, ""),
    ]
    due = table.next_due(record, now)
    values.append(("job_due_in", None if due is None else due - now, "s"))
    for figure, value, unit in values:
        if value is not None:
            yield Measurement(figure, value, unit, labels={"job": name})


def _age(instant: Instant | None, now: float) -> float | None:
    return None if instant is None else now - instant.at


def table(jobs: Iterable[tuple[str, JobRecord, Timetable]], now: float) -> str:
    """Return a table of the jobs for people."""
    rows = [HEAD, *(_line(name, record, table, now) for name, record, table in jobs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = ((cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join("  ".join(cells).rstrip() for cells in padded)


def _line(name: str, record: JobRecord, table: Timetable, now: float) -> tuple[str, ...]:
    """Return the cells of a job in the table for people."""
    zone = table.timezone
    due = table.next_due(record, now)
    return (
        name,
        clock(record.start.at, zone) if record.start else "-",
        _took(record.ended.seconds) if record.ended and record.ended.seconds is not None else "-",
        _state(record),
        clock(due, zone) if due is not None else "-",
    )


HEAD = ("JOB", "LAST START", "TOOK", "ENDED", "NEXT DUE")
"""The heads of these cells."""


def clock(moment: float, zone: ZoneInfo) -> str:
    """Return a time for people: "Sun 2026-11-29 02:00"."""
    return f"{datetime.fromtimestamp(moment, zone):%a %Y-%m-%d %H:%M}"


def _state(record: JobRecord) -> str:
    if record.missing is not None:
        return "missing"
    if record.running:
        return "runs"
    if record.ended is None:
        return "no report yet"
    return "ok" if not record.failed else _how(record.ended)


def _how(ended: Ended) -> str:
    if ended.exit == LOST:
        return ended.output
    if ended.signal:
        try:
            return f"was ended by {Signals(ended.signal).name}"
        except ValueError:
            return f"was ended by signal {ended.signal}"
    return f"ended with exit code {ended.exit}"


def _took(seconds: float) -> str:
    if seconds < MINUTE:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return span(round(seconds)) if seconds < 60 * MINUTE else long_span(seconds)


def _last_success(record: JobRecord, zone: ZoneInfo) -> str:
    if record.success is None:
        return "and no success is known"
    return f"and the last success was at {clock(record.success.at, zone)}"
