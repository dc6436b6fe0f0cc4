"""What is kept of one job from run to run, and how a report changes it. Pure."""

from __future__ import annotations

from attrs import evolve, frozen

from checks._jobs.report import Instant, JobReport
from supervisor.api import Crossing, Duration, Limit

MAX_RUNNING = 20
"""Runs of one job at the same time that are kept."""

MAX_OUTPUT = 1000
"""Characters of the output that are kept. The states of all jobs must fit into 64 KiB."""

MAX_AHEAD = 7200.0
"""Seconds by which a success may lie ahead of the clock. If it is more, the clock was wrong."""

LOST = -1
"""Stands for the exit code of a run whose end nobody has reported."""


@frozen
class Limits:
    """What a run may take. None: any time."""

    at_least: Limit[Duration] | None = None
    at_most: Limit[Duration] | None = None

    def slow(self, seconds: float | None) -> Crossing | None:
        """Return what a run is worth that takes, or took, so long. None: it is not slow."""
        if seconds is None or self.at_most is None:
            return None
        return self.at_most.above(seconds, "W")

    def fast(self, seconds: float | None) -> Crossing | None:
        """Return what a success is worth that took so long. None: it is not too fast."""
        if seconds is None or self.at_least is None:
            return None
        return self.at_least.below(seconds, "W")


@frozen
class Running:
    """A run that has started, and of which no end is known."""

    run: str
    """Names it. Empty: its start was reported by hand."""

    start: Instant
    pid: int = 0
    """The process that waits for it. 0: there is none, or it cannot be seen from here."""

    process_start: int = 0
    """When that process started, in the kernel's ticks."""

    pid_namespace: int = 0
    """Where the process has that number."""


@frozen
class Ended:
    """A run that has ended."""

    when: Instant
    seconds: float | None
    """How long it took. None: unknown."""
    exit: int
    signal: int
    output: str


@frozen
class JobRecord:
    """What is known of one job."""

    timetable: str
    """When it is due, as text. With another timetable nothing is owed before its next time."""

    since: float
    """Unix seconds of when it was first seen with this timetable."""

    start: Instant | None = None
    """When it last started."""

    success: Instant | None = None
    """When it last ended well."""

    ended: Ended | None = None
    """How the last run ended."""

    running: tuple[Running, ...] = ()
    """The runs that have not ended, the oldest first."""

    last_runs: tuple[str, ...] = ()
    """The last runs that have ended. A start of theirs that comes later does not count."""

    missing: float | None = None
    """The time by which a success was due that did not come. A success ends it."""

    failed: bool = False
    """Whether the last end was a failure."""

    slow: float | None = None
    """The seconds of a run that took too long, or that it took when this was seen."""

    fast: float | None = None
    """The seconds of a success that came too soon."""

    excused: float = 0.0
    """Unix seconds before which nothing is missing, since the clock was set."""

    successes: int = 0
    failures: int = 0


def apply(record: JobRecord, report: JobReport, limits: Limits, now: Instant) -> JobRecord:
    """Return the record with one report more. Reports come in the order of their times."""
    when = report.when.by_clock(now)
    if report.is_start:
        return _begin(record, report, when, now)
    return _end(record, report, when=when, limits=limits, now=now)


def _begin(record: JobRecord, report: JobReport, when: Instant, now: Instant) -> JobRecord:
    if report.run and report.run in record.last_runs:
        return record
    others = [each for each in record.running if each.run != report.run]
    running = Running(
        run=report.run,
        start=when,
        pid=report.pid,
        process_start=report.process_start,
        pid_namespace=report.pid_namespace,
    )
    start = when if _is_newest(when, record.start, now) else record.start
    return evolve(record, start=start, running=(*others, running)[-MAX_RUNNING:])


def _end(
    record: JobRecord, report: JobReport, *, when: Instant, limits: Limits, now: Instant
) -> JobRecord:
    began = next((each for each in record.running if each.run == report.run), None)
    seconds = report.seconds
    if seconds is None and began is not None:
        seconds = max(0.0, when.at - began.start.at)
    record = evolve(
        record,
        running=tuple(each for each in record.running if each is not began),
        last_runs=(*record.last_runs, report.run)[-MAX_RUNNING:]
        if report.run
        else record.last_runs,
        start=record.start or when,
        successes=record.successes + report.is_success,
        failures=record.failures + (not report.is_success),
    )
    if _is_newest(when, record.ended.when if record.ended else None, now):
        output = report.output[-MAX_OUTPUT:]
        ended = Ended(
            when=when, seconds=seconds, exit=report.exit, signal=report.signal, output=output
        )
        record = evolve(record, ended=ended, failed=not report.is_success)
    if not report.is_success:
        return taking(record, seconds or 0.0, limits)
    return evolve(
        record,
        success=when if _is_newest(when, record.success, now) else record.success,
        missing=None,
        slow=seconds if limits.slow(seconds) else None,
        fast=seconds if limits.fast(seconds) else None,
    )


def taking(record: JobRecord, seconds: float, limits: Limits) -> JobRecord:
    """Return the record in which a run has taken so long, without a success."""
    if limits.slow(seconds) is None:
        return record
    return evolve(record, slow=max(seconds, record.slow or 0.0))


def _is_newest(when: Instant, known: Instant | None, now: Instant) -> bool:
    return known is None or known.order(now) <= when.order(now)


def lose(record: JobRecord, running: Running, now: Instant) -> JobRecord:
    """Return the record after a run has gone without a report of its end."""
    was_reset = running.start.boot != now.boot
    why = "the system was restarted while it ran" if was_reset else "its wrapper was killed"
    ended = Ended(when=now, seconds=None, exit=LOST, signal=0, output=why)
    return evolve(
        record,
        running=tuple(each for each in record.running if each is not running),
        last_runs=(*record.last_runs, running.run)[-MAX_RUNNING:],
        ended=ended,
        failed=True,
        failures=record.failures + 1,
    )


def by_clock(record: JobRecord, now: Instant) -> JobRecord:
    """Return the record with its times as the present clock has them. The clock may be set.

    A success is not moved back, so a clock that is set back makes nothing missing. If it lies far
    ahead, the clock was wrong. Then it is moved, and nothing is owed before the next time.
    """
    success, since = record.success, min(record.since, now.at)
    if success is not None:
        moved = success.by_clock(now)
        if success.at > now.at + MAX_AHEAD:
            success, since = moved, now.at
        elif moved.at > success.at:
            success = moved
    return evolve(
        record,
        since=since,
        success=success,
        start=record.start and record.start.by_clock(now),
        ended=record.ended and evolve(record.ended, when=record.ended.when.by_clock(now)),
        running=tuple(evolve(each, start=each.start.by_clock(now)) for each in record.running),
    )
