"""Jobs that must report: each must end well in time. A wrapper or systemd tells how they ended.

Coming from Monit: `check file … timestamp`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from zoneinfo import ZoneInfo

import trio
from attrs import Attribute, field, frozen

from checks._common.event_types import event_type_field
from checks._common.limits import limit_field
from checks._common.plurals import counted
from checks._common.validators import unique
from checks._jobs import listening, spool, tell, unit
from checks._jobs.due import Timetable, judge
from checks._jobs.processes import gone, present, user_numbers
from checks._jobs.record import JobRecord, Limits, apply, by_clock, lose, taking
from checks._jobs.report import Instant, JobReport
from checks._jobs.state import Known, recall
from checks._processes.systemd_units import full_name
from supervisor.api import (
    Calendar,
    CheckFailed,
    Context,
    Duration,
    Limit,
    Measurement,
    Observation,
    lower_limit,
    probe,
    times_of_day,
    upper_limit,
)

MAX_JOBS = 40
"""Jobs of one module. What is kept of them must fit into 64 KiB."""

MAX_LOGGED = 10
"""Reports of one run that do not count and that the log names."""

UTC = ZoneInfo("UTC")
"""A zone to try times of the day with."""


@frozen
class Job:
    """One job."""

    name: str = field(
        metadata={"help": "its name, as the wrapper is given it", "example": '"pnr-archive"'}
    )
    at: tuple[str, ...] = field(
        default=(),
        metadata={"help": "when it is due, in the service's zone: ['02:00'], ['Mon-Fri 02:00']"},
    )
    except_: tuple[Calendar, ...] = field(
        default=(), metadata={"help": "files of calendars: it is not due on their dates"}
    )
    every: Duration | None = field(
        default=None, metadata={"help": "due this long after its last success, instead of `at`"}
    )
    grace: Duration = field(
        default=Duration(1800.0),
        metadata={"help": "how long after that its success may come; then `Job missing`"},
    )
    max_duration: Limit[Duration] | None = limit_field(
        upper_limit, "W when a run takes longer; said while it still runs"
    )
    min_duration: Limit[Duration] | None = limit_field(
        lower_limit, "W when a success came sooner: an empty dump is fast"
    )
    unit: str = field(
        default="", metadata={"help": "a unit of systemd that is the job; it needs no wrapper"}
    )
    users: tuple[str, ...] = field(
        default=(),
        metadata={"help": "who may report it; default: root and the supervisor's own user"},
    )
    missing_event_type: str = event_type_field("E", "when no success came in time")
    failed_event_type: str = event_type_field("E", "when it failed")

    @name.validator
    def _is_name(self, _: Attribute[str], value: str) -> None:
        if not value.strip() or len(value) > 100 or not value.isprintable():
            raise ValueError(f"{value[:50]!r} is not a name; write for example 'backup'")

    @at.validator
    def _are_times(self, _: Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
        if value:
            times_of_day(value, UTC)

    @every.validator
    def _is_interval(self, _: Attribute[Duration | None], value: Duration | None) -> None:
        if value is not None and value <= 0:
            raise ValueError("is 0 or less; write for example '1d'")

    @unit.validator
    def _is_service(self, _: Attribute[str], value: str) -> None:
        if value and not full_name(value).endswith(".service"):
            stem = value.rpartition(".")[0]
            raise ValueError(f"{value!r} is not a service; name what it starts: '{stem}.service'")

    def __attrs_post_init__(self) -> None:
        if self.at and self.every is not None:
            raise ValueError(f"job {self.name!r} has both `at` and `every`; remove one")
        if self.except_ and not self.at:
            raise ValueError(f"job {self.name!r} has `except` without `at`; add at = ['02:00']")
        if self.unit and self.users:
            raise ValueError(f"job {self.name!r} has both `unit` and `users`; remove one")

    @property
    def limits(self) -> Limits:
        return Limits(self.min_duration, self.max_duration)

    def timetable(self, zone: ZoneInfo) -> Timetable:
        return Timetable(self.at, self.every, self.grace, zone, except_=self.except_)


@frozen
class Params:
    """The jobs that must report."""

    jobs: tuple[Job, ...] = field(
        validator=unique(lambda job: job.name, remedy="give each job its own name"),
        metadata={"help": "the jobs"},
    )
    spool: str = field(
        default="",
        metadata={
            "help": f"where reports come in; default ${spool.VARIABLE}/NAME, else {spool.ROOT}/NAME"
        },
    )

    @jobs.validator
    def _are_few(self, _: Attribute[tuple[Job, ...]], value: tuple[Job, ...]) -> None:
        if not 0 < len(value) <= MAX_JOBS:
            raise ValueError(f"has {len(value)} jobs; name from 1 to {MAX_JOBS} in one module")


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return what is wrong with the jobs, and their figures.

    A report is removed from the spool when the ledger on the disk holds what it said.
    """
    is_saved = context.is_saved(context.state)
    known, now = recall(context.state), present(context.clock())
    lost = await probe("processes of jobs", partial(gone, known.jobs))
    reading = await _read(context, params, known, is_saved=is_saved)
    told: dict[str, list[JobReport]] = {job.name: [] for job in params.jobs}
    for report in reading.reports:
        told[report.job].append(report)
    if units := [(job.name, full_name(job.unit)) for job in params.jobs if job.unit]:
        for name, reports in (await unit.ask(units)).items():
            reading.present |= {each.id for each in reports if each.id in known.taken}
            told[name] = [each for each in reports if each.id not in known.taken]
    step = known.clock.step(now) if known.clock else 0.0
    jobs = {}
    for job in params.jobs:
        table = job.timetable(context.timezone)
        record = known.jobs.get(job.name) or JobRecord(str(table), now.at)
        record = _updated(by_clock(record, now), job, told[job.name], now)
        for running in record.running:
            if running.run in lost.get(job.name, ()):
                record = lose(record, running, now)
        jobs[job.name] = judge(_slowed(record, job, now), table, now, step)
    new = [report.id for reports in told.values() for report in reports]
    context.state.update(known.after(jobs, now, present=reading.present, new=new))
    zone = context.timezone
    rows = [(job.name, jobs[job.name], job.timetable(zone)) for job in params.jobs]
    context.show(tell.table(rows, now.at))
    return [
        Measurement("job_reports_refused", len(reading.refused)),
        *(seen for job in params.jobs for seen in _told(job, jobs[job.name], zone, now.at)),
    ]


def _updated(record: JobRecord, job: Job, reports: Iterable[JobReport], now: Instant) -> JobRecord:
    for report in sorted(reports, key=lambda each: each.when.order(now)):
        record = apply(record, report, job.limits, now)
    return record


def _slowed(record: JobRecord, job: Job, now: Instant) -> JobRecord:
    """Return the record in which a run that still takes place is slow, if it takes too long."""
    longest = max((now.at - each.start.at for each in record.running), default=0.0)
    return taking(record, longest, job.limits)


def _told(job: Job, record: JobRecord, zone: ZoneInfo, now: float) -> Iterable[Observation]:
    types = tell.EventTypes(missing=job.missing_event_type, failed=job.failed_event_type)
    yield from tell.conditions(job.name, record, job.timetable(zone), job.limits, types)
    yield from tell.figures(job.name, record, job.timetable(zone), now)


async def _read(context: Context, params: Params, known: Known, *, is_saved: bool) -> spool.Reading:
    if all(job.unit for job in params.jobs):
        return spool.Reading()
    directory = spool.directory(context.service_file, params.spool)
    users = await probe("users of jobs", partial(_users, params))

    def look() -> spool.Reading:
        spool.make(directory)
        return spool.read(directory, users, taken=known.taken, is_saved=is_saved)

    try:
        reading = await probe(f"read {directory}", look)
    except OSError as error:
        remedy = f"let root run: {spool.command_to_make(directory)}"
        raise CheckFailed(f"cannot read {directory}: {error.strerror}; {remedy}") from None
    for refused in reading.refused[:MAX_LOGGED]:
        context.log.warning("the report %s does not count: it %s", refused.name, refused.why)
    if reading.waiting:
        context.log.info("%s name no job of this module", counted(reading.waiting, "report"))
    return reading


async def watch(context: Context, params: Params, run_soon: Callable[[], None]) -> None:
    """Ask for a run when a wrapper says that there is a report."""
    if all(job.unit for job in params.jobs):
        await trio.sleep_forever()
    users = await probe("users of jobs", partial(_users, params))
    directory = spool.directory(context.service_file, params.spool)
    await listening.listen(directory, frozenset().union(*users.values()), run_soon)


async def examine(params: Params) -> Iterable[str]:
    """Return the users that this host does not know."""
    names = sorted({name for job in params.jobs for name in job.users})
    known = await probe("users of jobs", partial(user_numbers, names))
    return [f"there is no user {name!r}; mend `users`" for name in names if name not in known]


def expects(params: Params) -> Iterable[tuple[str, tuple[str, ...], tuple[Calendar, ...]]]:
    """Return the jobs that are due at times of the day, these times, and what leaves some out."""
    return [(job.name, job.at, job.except_) for job in params.jobs if job.at]


EXAMINES_THIS_HOST = True
"""`examine` looks at this host alone."""


def _users(params: Params) -> dict[str, frozenset[int]]:
    """Return the numbers of the users who may report each job."""
    known = user_numbers({name for job in params.jobs for name in job.users})
    return {
        job.name: frozenset(known[name] for name in job.users if name in known)
        if job.users
        else frozenset({0, os.getuid()})
        for job in params.jobs
        if not job.unit
    }
