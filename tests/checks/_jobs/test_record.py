"""How the reports of one job change what is known of it."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from checks._jobs.record import LOST, MAX_RUNNING, JobRecord, Limits, Running, apply, by_clock, lose
from checks._jobs.report import Instant, JobReport
from checks._jobs.state import Known, recall
from supervisor.api import Duration, Limit

NOW = Instant(10_000.0, 500.0, "boot")
LIMITS = Limits(Limit.of(Duration(5.0)), Limit.of(Duration(60.0)))
NEW = JobRecord("", 0.0)


def start(at: float, run: str = "", pid: int = 0) -> JobReport:
    return JobReport(f"a{at:.0f}", "a", is_start=True, when=Instant(at), run=run, pid=pid)


def end(at: float, code: int = 0, run: str = "", seconds: float | None = None) -> JobReport:
    when = Instant(at)
    return JobReport(
        f"b{at:.0f}", "a", is_start=False, when=when, run=run, exit=code, seconds=seconds
    )


def after(*reports: JobReport, record: JobRecord = NEW) -> JobRecord:
    for report in reports:
        record = apply(record, report, LIMITS, NOW)
    return record


def test_a_failure_stands_until_the_next_success() -> None:
    failed = after(start(1, "1"), end(11, 3, "1", 10.0))

    assert (failed.failed, failed.failures, failed.running) == (True, 1, ())
    assert failed.ended is not None
    assert failed.ended.exit == 3
    assert after(start(20, "2"), record=failed).failed
    assert not after(end(30, seconds=10.0), record=failed).failed


def test_slow_and_fast_stand_until_a_success_that_is_neither() -> None:
    slow = after(end(100, seconds=61.0))
    fast = after(end(100, seconds=1.0))

    assert (slow.slow, slow.fast) == (61.0, None)
    assert (fast.slow, fast.fast) == (None, 1.0)
    assert after(end(200, 1, seconds=10.0), record=slow).slow == 61.0
    assert after(end(200, seconds=10.0), record=slow).slow is None
    assert after(end(200, seconds=10.0), record=fast).fast is None


def test_start_and_end_by_hand_give_the_duration() -> None:
    known = after(start(100), end(170))

    assert known.ended is not None
    assert known.ended.seconds == 70.0
    assert known.slow == 70.0


def test_runs_that_overlap_are_kept_apart() -> None:
    known = after(start(1, "1"), start(2, "2"), end(10, 0, "2", 8.0))

    assert [each.run for each in known.running] == ["1"]
    assert known.success == Instant(10)
    known = after(end(20, 1, "1", 19.0), record=known)
    assert known.running == ()
    assert known.failed, "the last end counts"


def test_an_end_that_is_told_late_does_not_hide_a_newer_one() -> None:
    known = after(end(50, seconds=10.0), end(40, 1, seconds=10.0))

    assert not known.failed
    assert (known.successes, known.failures) == (1, 1)


def test_a_success_after_the_clock_was_set_back_ends_a_failure() -> None:
    """The clock was an hour ahead when the job failed."""
    failed = apply(NEW, evolve(end(9000, 1), when=Instant(9000, 400, "boot")), LIMITS, NOW)
    now = Instant(NOW.at - 3600, NOW.uptime + 10, "boot")
    success = evolve(end(1), when=Instant(now.at, now.uptime, "boot"), seconds=10.0)

    assert not apply(by_clock(failed, now), success, LIMITS, now).failed


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.floats(0, 20_000)), min_size=1))
def test_the_last_report_of_this_boot_decides(told: list[tuple[bool, bool, float]]) -> None:
    """Each is of this boot or an earlier one, failed or not, and has what a wrong clock showed."""
    reports = [
        evolve(end(0, int(failed)), when=Instant(at, number, "boot" if is_new else "before"))
        for number, (is_new, failed, at) in enumerate(told)
    ]
    known = after(*reports[::-1])

    assert known.successes + known.failures == len(reports)
    if of_this_boot := [each for each in reports if each.when.boot == NOW.boot]:
        assert known.failed is not of_this_boot[-1].is_success


def test_a_start_that_is_told_after_its_end_does_not_count() -> None:
    assert after(end(10, 0, "1", 9.0), start(1, "1")).running == ()


def test_a_run_that_is_gone_has_failed() -> None:
    known = after(start(1, "1", pid=10))
    (running,) = known.running
    lost = lose(known, running, NOW)

    assert lost.failed
    assert lost.ended is not None
    assert (lost.ended.exit, lost.running) == (LOST, ())
    assert lost.ended.output == "the system was restarted while it ran"
    here = evolve(running, start=NOW)
    killed = lose(evolve(known, running=(here,)), here, NOW)
    assert killed.ended is not None
    assert killed.ended.output == "its wrapper was killed"


def test_what_is_kept_has_bounds() -> None:
    known = after(*(start(n, f"{n}") for n in range(1000)), evolve(end(9999), output="x" * 9999))

    assert len(known.running) == MAX_RUNNING
    assert known.ended is not None
    assert len(known.ended.output) <= 1000


REPORTS = st.lists(
    st.one_of(
        st.builds(start, st.floats(0, 9000), st.sampled_from(["", "1", "2"])),
        st.builds(
            end,
            st.floats(0, 9000),
            st.integers(0, 2),
            st.sampled_from(["", "1", "2"]),
            st.none() | st.floats(0, 100),
        ),
    )
)


@given(REPORTS)
def test_the_state_is_the_same_after_a_restart(reports: Iterable[JobReport]) -> None:
    record = after(*reports)
    kept = Known().after({"a": record}, NOW, present=["1"], new=["2"])
    known = recall(kept)

    assert known.jobs == {"a": record}
    assert known.taken == ("1", "2")
    assert known.clock is not None


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda each: st.dictionaries(st.sampled_from(["jobs", "taken", "clock", "a"]), each),
    )
)
def test_a_state_of_any_shape_is_read(state: object) -> None:
    recall(state if isinstance(state, dict) else {})


def test_what_was_taken_is_forgotten_in_time_but_not_while_its_file_is_there() -> None:
    known = Known(taken=tuple(f"{n:x}" for n in range(500)))
    kept = known.after({}, NOW, present=["0", "1"], new=["new"])["taken"]

    assert isinstance(kept, list)
    assert len(kept) == 103
    assert {"0", "1", "new", "1f3"} <= {*kept}


def test_a_running_job_is_a_value() -> None:
    assert Running("1", NOW) == Running("1", NOW)
