"""When a job is missing: exact across changes of the clocks, restarts and reloads."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from checks._jobs.due import KnownClock, Timetable, judge
from checks._jobs.record import JobRecord, Limits, apply, by_clock
from checks._jobs.report import Instant, JobReport
from supervisor.config.calendars.calendar import Calendar

SEOUL = ZoneInfo("Asia/Seoul")
BERLIN = ZoneInfo("Europe/Berlin")
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def at(text: str, zone: ZoneInfo = SEOUL) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def nightly(zone: ZoneInfo = SEOUL) -> Timetable:
    return Timetable(("02:00",), None, 45 * MINUTE, zone)


def success(moment: float, *, uptime: float = 0.0, boot: str = "") -> JobReport:
    return JobReport(f"{int(moment):x}", "a", is_start=False, when=Instant(moment, uptime, boot))


def record(table: Timetable, since: str, zone: ZoneInfo = SEOUL) -> JobRecord:
    return JobRecord(str(table), at(since, zone))


def missing(known: JobRecord, table: Timetable, now: float) -> float | None:
    return judge(known, table, Instant(now), 0.0).missing


def test_a_first_start_owes_nothing_before_the_next_time() -> None:
    known = record(nightly(), "2026-01-10 02:30")

    assert missing(known, nightly(), at("2026-01-10 09:00")) is None
    assert missing(known, nightly(), at("2026-01-11 02:44")) is None
    assert missing(known, nightly(), at("2026-01-11 02:45")) == at("2026-01-11 02:00")


def test_a_success_in_time_or_late_ends_it() -> None:
    known = record(nightly(), "2026-01-01 00:00")
    late = judge(known, nightly(), Instant(at("2026-01-02 03:00")), 0.0)
    assert late.missing == at("2026-01-02 02:00")

    for moment in ("2026-01-02 03:10", "2026-01-02 13:00"):
        now = Instant(at(moment))
        after = apply(late, success(at(moment)), Limits(), now)
        assert after.missing is None
        assert missing(after, nightly(), at("2026-01-02 23:00")) is None
        assert missing(after, nightly(), at("2026-01-03 02:45")) == at("2026-01-03 02:00")


def test_a_failure_or_an_early_success_is_not_the_one_that_is_due() -> None:
    known = record(nightly(), "2026-01-01 00:00")
    now = Instant(at("2026-01-02 02:50"))
    failed = evolve(success(at("2026-01-02 02:10")), exit=1)
    early = success(at("2026-01-02 01:00"))

    for report in (failed, early):
        assert missing(apply(known, report, Limits(), now), nightly(), now.at) is not None


def test_a_restart_forgives_nothing() -> None:
    """What is kept is all that counts: a supervisor that was down for days says it at once."""
    known = apply(
        record(nightly(), "2026-01-01 00:00"),
        success(at("2026-01-02 02:10")),
        Limits(),
        Instant(at("2026-01-02 02:11")),
    )
    assert missing(known, nightly(), at("2026-01-05 11:00")) == at("2026-01-05 02:00")


def test_another_timetable_owes_nothing_before_its_next_time() -> None:
    known = record(nightly(), "2026-01-01 00:00")
    hourly = Timetable(("08:00",), None, MINUTE, SEOUL)
    changed = judge(known, hourly, Instant(at("2026-01-02 09:00")), 0.0)

    assert changed.missing is None
    assert missing(changed, hourly, at("2026-01-03 08:01")) == at("2026-01-03 08:00")
    told = judge(evolve(known, missing=1.0), hourly, Instant(at("2026-01-02 09:00")), 0.0)
    assert told.missing == 1.0, "what was told stays until a success"


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_both_nights_in_which_the_clocks_change(day: str) -> None:
    """02:30 is skipped in March, and due at 03:00. In October it comes twice, and is due once."""
    table = Timetable(("02:30",), None, 10 * MINUTE, BERLIN)
    known = record(table, f"{day} 00:00", BERLIN)
    due = at(f"{day} 02:30", BERLIN) if day.startswith("2026-10") else at(f"{day} 03:00", BERLIN)

    assert missing(known, table, due + 10 * MINUTE - 1) is None
    assert missing(known, table, due + 10 * MINUTE) == due
    done = apply(known, success(due + MINUTE), Limits(), Instant(due + MINUTE))
    for hours in range(1, 20):
        assert missing(done, table, due + hours * HOUR) is None


def test_every_counts_from_the_last_success() -> None:
    table = Timetable((), DAY, HOUR, SEOUL)
    known = record(table, "2026-01-01 00:00")

    assert missing(known, table, at("2026-01-02 00:59")) is None
    assert missing(known, table, at("2026-01-02 01:00")) == at("2026-01-02 00:00")
    done = apply(known, success(at("2026-01-01 12:00")), Limits(), Instant(at("2026-01-01 12:00")))
    assert missing(done, table, at("2026-01-02 12:59")) is None
    assert missing(done, table, at("2026-01-02 13:00")) == at("2026-01-02 12:00")


def test_without_a_timetable_nothing_is_ever_missing() -> None:
    table = Timetable((), None, HOUR, SEOUL)

    assert missing(record(table, "2026-01-01 00:00"), table, at("2027-01-01 00:00")) is None
    assert table.next_due(record(table, "2026-01-01 00:00"), 0.0) is None


# The true time flows evenly. The wall clock shows it with an error that is set at any time by up
# to an hour. Each job runs at the wall clock's 02:00 as cron has it, for at most 20 minutes.
STEPS = st.lists(
    st.tuples(st.floats(0, 3 * DAY), st.floats(-HOUR, HOUR)), min_size=1, max_size=4
).map(sorted)


@given(steps=STEPS, phase=st.floats(0, 300))
@settings(max_examples=40, deadline=None)
def test_a_clock_that_is_set_makes_nothing_missing(
    steps: list[tuple[float, float]], phase: float
) -> None:
    table = nightly()
    began = at("2026-01-01 12:00")
    known = JobRecord(str(table), began)
    clock: KnownClock | None = None
    error, ran_until, offset = 0.0, began, list(steps)
    for tick in range(0, int(3 * DAY), 300):
        true = tick + phase
        while offset and offset[0][0] <= true:
            error = offset.pop(0)[1]
        now = Instant(began + true + error, true, "boot")
        due = _cron(now.at, ran_until)
        ran_until = max(ran_until, now.at)
        if due:
            known = apply(known, success(now.at, uptime=true, boot="boot"), Limits(), now)
        known = judge(by_clock(known, now), table, now, clock.step(now) if clock else 0.0)
        clock = KnownClock(now.at, now.uptime, now.boot)
        assert known.missing is None, f"at {true:.0f} with an error of {error:.0f}"


def _cron(now: float, ran_until: float) -> bool:
    """Return whether cron runs the job: it runs what was jumped over, and does not run it twice."""
    due = nightly().times
    assert due is not None
    return now > ran_until and due.last_before(now + 1e-3) > ran_until


def test_a_clock_that_was_wrong_when_the_job_ran_harms_nothing() -> None:
    """The clock was an hour behind when the job ended. Then it was set right."""
    known = record(nightly(), "2026-01-01 00:00")
    ran = success(at("2026-01-02 01:10"), uptime=1000.0, boot="b")
    known = apply(known, ran, Limits(), Instant(at("2026-01-02 01:10"), 1000.0, "b"))
    right = Instant(at("2026-01-02 02:50"), 1000.0 + 40 * MINUTE, "b")

    after = judge(by_clock(known, right), nightly(), right, HOUR)

    assert after.missing is None


@pytest.mark.parametrize(
    "table", [nightly(), Timetable((), DAY, 45 * MINUTE, SEOUL)], ids=["at", "every"]
)
@pytest.mark.parametrize("ends_while_ahead", [False, True])
def test_a_clock_that_was_years_ahead_for_a_minute_lets_a_job_be_missing(
    table: Timetable, *, ends_while_ahead: bool
) -> None:
    first, wrong = at("2026-01-01 02:10"), at("2036-01-01 12:00")
    ran = success(first, uptime=1000.0, boot="b")
    known = apply(record(table, "2026-01-01 00:00"), ran, Limits(), Instant(first, 1000.0, "b"))
    ahead = Instant(wrong, 36_400.0, "b")
    if ends_while_ahead:
        known = apply(known, success(wrong, uptime=36_390.0, boot="b"), Limits(), ahead)
    known = judge(by_clock(known, ahead), table, ahead, step=10 * 365 * DAY)
    right = Instant(at("2026-01-01 12:01"), 36_460.0, "b")
    known = judge(by_clock(known, right), table, right, step=0.0)

    assert known.missing is None
    assert missing(known, table, at("2026-01-02 02:44")) is None
    assert missing(known, table, at("2026-01-02 12:46")) is not None


def test_a_report_from_the_future_does_not_excuse_the_next_one() -> None:
    known = record(nightly(), "2026-01-01 00:00")
    now = Instant(at("2026-01-02 02:10"))
    known = apply(known, success(at("2036-01-01 00:00")), Limits(), now)

    assert missing(known, nightly(), at("2026-01-03 02:45")) == at("2026-01-03 02:00")


def test_a_job_is_not_due_on_the_dates_of_its_calendars() -> None:
    holidays = Calendar(Path("kr.toml"), {date(2026, 3, 2): "Substitute", date(1999, 1, 1): "old"})
    table = Timetable(("Mon-Fri 02:00",), None, HOUR, SEOUL, except_=(holidays,))
    friday, tuesday = (
        datetime(2026, *day, 2, tzinfo=SEOUL).timestamp() for day in ((2, 27), (3, 3))
    )
    record = JobRecord(str(table), friday - DAY)
    done = evolve(record, success=Instant(friday + 60))

    assert table.next_due(done, friday + 60) == tuesday
    assert table.overdue(done, tuesday + HOUR - 1) is None
    assert table.overdue(done, tuesday + HOUR) == tuesday
    assert str(table) == "Mon-Fri 02:00 0 Asia/Seoul except kr.toml"
