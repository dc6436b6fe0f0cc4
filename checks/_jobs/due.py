"""When a job is due, and what follows from that. Pure. Times are Unix seconds.

Deadlines follow from the last success and the timetable alone, never from the start of a process.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from checks._jobs.record import JobRecord
from checks._jobs.report import CLOCK_STEP, Instant
from supervisor.api import Calendar, Times, times_of_day


@frozen
class Timetable:
    """When a success is due."""

    at: tuple[str, ...]
    """Times of the day, or none."""

    every: float | None
    """Seconds from one success to the next."""

    grace: float
    """Seconds after that for which a success is still in time."""

    timezone: ZoneInfo

    except_: tuple[Calendar, ...] = ()
    """The days on which none is due."""

    def __str__(self) -> str:
        """What it depends on. With another text nothing is owed before the next time."""
        calendars = "".join(f" except {calendar.path}" for calendar in self.except_)
        return f"{','.join(self.at)} {self.every or 0:g} {self.timezone.key}{calendars}"

    @property
    def times(self) -> Times | None:
        return times_of_day(self.at, self.timezone, self.except_) if self.at else None

    def overdue(self, record: JobRecord, now: float) -> float | None:
        """Return the time at which a success was due that has not come in time, or None."""
        after = record.success.at if record.success else None
        if self.every is not None:
            due = max(record.since, record.since if after is None else after) + self.every
        elif (times := self.times) is not None:
            due = times.last_before(now - self.grace + 1e-3)
            if due <= record.since or (after is not None and after >= due):
                return None
        else:
            return None
        return due if now >= max(due + self.grace, record.excused) else None

    def next_due(self, record: JobRecord, now: float) -> float | None:
        """Return when a success is due next, or None if none is ever due."""
        if self.every is not None:
            return max(record.since, record.success.at if record.success else 0.0) + self.every
        return None if self.times is None else self.times.next_after(now)


@frozen
class KnownClock:
    """The clock at the last run. It tells whether the clock was set since then."""

    at: float
    uptime: float
    boot: str

    def step(self, now: Instant) -> float:
        """Return by how many seconds the clock was set ahead since then; 0 if it was not."""
        if not self.boot or self.boot != now.boot:
            return 0.0
        step = (now.at - self.at) - (now.uptime - self.uptime)
        return step if step > CLOCK_STEP else 0.0


def judge(record: JobRecord, table: Timetable, now: Instant, step: float) -> JobRecord:
    """Return the record in which `missing` is what it must be now. A success alone ends it.

    The clock was set ahead by `step` seconds since the last call.
    """
    if record.timetable != str(table):
        # What it owed by the old timetable is forgiven, unless it was missing already.
        record = evolve(record, timetable=str(table), since=now.at)
    if record.missing is not None:
        return record
    record = evolve(record, excused=min(record.excused, now.at + table.grace))
    if step:
        record = evolve(record, since=min(now.at, record.since + step))
        if table.times is not None and table.times.last_before(now.at + 1e-3) > now.at - step:
            # A job whose time was jumped over has had no time to run. It gets its grace now.
            record = evolve(record, excused=now.at + table.grace)
    return evolve(record, missing=table.overdue(record, now.at))
