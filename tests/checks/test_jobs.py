"""The check `jobs` with a real spool."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve

from checks._jobs import unit
from checks.jobs import Job, Params, examine, watch
from supervisor.api import CheckFailed, Duration, Limit
from supervisor.jobs import spool as writer
from tests.checks.jobs_bench import Jobs
from tests.support.patience import MOST


def left(directory: str) -> list[Path]:
    """Return the reports in a spool."""
    return [*Path(directory).glob("*.json")]


async def test_a_failure_fires_with_its_output_until_a_success(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, Job("a"))
    assert await jobs.look() == []
    jobs.tell("end", exit=3, seconds=12.0, output="no <space>")
    (failed,) = await jobs.look()

    assert (failed.alertname, failed.event_type, failed.instance) == ("Job failed", "E", "a")
    assert failed.message.startswith("ended with exit code 3 at ")
    assert failed.message.endswith(", after 12 s")
    assert failed.detail == "<pre>no &lt;space&gt;</pre>"
    assert await jobs.look() == [failed], "its message does not change from run to run"
    jobs.tell("end", exit=0)
    assert await jobs.look() == []
    assert jobs.figures["job_successes", "a"] == 1
    assert jobs.figures["job_failures", "a"] == 1


async def test_the_last_report_counts_whatever_the_clock_shows(tmp_path: Path) -> None:
    """The clock of this check stands at 0, so all reports seem to come from later."""
    jobs = Jobs(tmp_path, Job("a", max_duration=Limit.of(Duration(60))))
    await jobs.look()
    for _ in range(20):
        jobs.tell("end", exit=1, seconds=1.0)
        jobs.tell("end", exit=0, seconds=61.0)
    jobs.tell("end", exit=0, seconds=1.0)

    assert await jobs.look() == []
    assert (jobs.figures["job_failures", "a"], jobs.figures["job_successes", "a"]) == (20, 21)


async def test_a_small_step_of_the_clock_does_not_change_the_order(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, Job("a"))
    jobs.context = evolve(jobs.context, clock=lambda: 100.0)
    await jobs.look()
    jobs.tell("end", exit=1, seconds=1.0, at=90.0)
    assert len(await jobs.look()) == 1
    jobs.tell("end", exit=0, seconds=1.0, at=80.0)

    assert await jobs.look() == []


async def test_a_report_stays_until_it_is_saved(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, Job("a"))
    await jobs.look()
    path = jobs.tell("end", exit=0)
    for _ in range(3):
        await jobs.look(saved=False)
        assert left(jobs.spool) == [path]
    await jobs.look()

    assert left(jobs.spool) == []
    assert jobs.figures["job_successes", "a"] == 1


async def test_a_crash_before_the_commit_loses_nothing_and_counts_nothing_twice(
    tmp_path: Path,
) -> None:
    jobs = Jobs(tmp_path, Job("a"))
    await jobs.look()
    before = dict(jobs.context.state)
    jobs.tell("end", exit=0)
    await jobs.look()
    jobs.context = evolve(jobs.context, state=before)  # what it left was not committed
    await jobs.look()
    await jobs.look()

    assert jobs.figures["job_successes", "a"] == 1
    assert left(jobs.spool) == []


async def test_a_run_that_takes_too_long_is_told_while_it_runs(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, Job("a", max_duration=Limit.of(Duration(60.0))))
    await jobs.look()
    began = writer.report("a", "start", "ab")
    writer.write(jobs.spool, {**began, "at": began["at"] - 61, "uptime": began["uptime"] - 61})
    (slow,) = await jobs.look()

    assert (slow.alertname, slow.event_type) == ("Job slow", "W")
    assert slow.message == "a run takes, or took, longer than 1 min"
    assert jobs.figures["job_running", "a"] == 1
    assert "runs" in jobs.context.shown[0]


async def test_a_run_may_have_two_limits_and_a_band(tmp_path: Path) -> None:
    most = Limit((("W", Duration(60)), ("E", Duration(120))), clear=Duration(50))
    jobs = Jobs(tmp_path, Job("a", max_duration=most))
    await jobs.look()
    told = []
    for seconds, code in ((130, 1), (61, 1), (70, 0), (55, 0), (45, 0)):
        jobs.tell("end", exit=code, seconds=float(seconds))
        slow = [each for each in await jobs.look() if each.alertname == "Job slow"]
        told.append([(each.event_type, each.sustain) for each in slow])

    assert told == [[("E", False)], [("E", False)], [("W", False)], [("W", True)], []]


async def test_a_table_of_limits_is_in_the_message(tmp_path: Path) -> None:
    most = Limit((("W", Duration(60)), ("E", Duration(120))))
    least = Limit((("E", Duration(1)), ("W", Duration(5))))
    jobs = Jobs(tmp_path, Job("a", max_duration=most, min_duration=least))
    await jobs.look()
    told = []
    for seconds in (130.0, 0.2):
        jobs.tell("end", exit=0, seconds=seconds)
        told += [(each.event_type, each.message) for each in await jobs.look()]

    assert told == [
        ("E", "a run takes, or took, too long (limit W 1 min, E 2 min)"),
        ("E", "a success took 0.2 s (limit E 1 s, W 5 s)"),
    ]


async def test_an_empty_dump_is_too_fast(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, Job("a", min_duration=Limit.of(Duration(5.0))))
    await jobs.look()
    jobs.tell("end", exit=0, seconds=0.2)
    (fast,) = await jobs.look()

    assert (fast.alertname, fast.message) == ("Job too fast", "a success took 0.2 s, less than 5 s")


async def test_a_wrapper_that_was_killed_is_a_failure(tmp_path: Path) -> None:
    process = await trio.lowlevel.open_process(["true"])
    await process.wait()
    jobs = Jobs(tmp_path, Job("a"))
    await jobs.look()
    jobs.tell("start", run="ab", **{**writer.process(), "pid": process.pid})
    assert await jobs.look() == []
    (failed,) = await jobs.look()

    assert failed.message.startswith("its wrapper was killed at ")


async def test_a_wrapper_that_lives_is_not_gone(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, Job("a"))
    await jobs.look()
    jobs.tell("start", run="ab", **writer.process())

    assert [await jobs.look(), await jobs.look()] == [[], []]
    assert jobs.figures["job_running", "a"] == 1


async def test_a_restart_of_the_system_ends_what_ran(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, Job("a"))
    await jobs.look()
    jobs.tell("start", run="ab", boot="another", **writer.process())
    await jobs.look()
    (failed,) = await jobs.look()

    assert failed.message.startswith("the system was restarted while it ran at ")


async def test_a_spool_that_cannot_be_made_says_how_to_make_it(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "absent", Job("a"))
    directory = f"{tmp_path}/absent/spool"

    with pytest.raises(CheckFailed) as caught:
        await jobs.look()
    assert str(caught.value) == (
        f"cannot read {directory}: No such file or directory; "
        f"let root run: install -d -o {os.getuid()} -m 1733 {directory}"
    )


async def test_a_knock_asks_for_a_run_and_a_stranger_does_not(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, Job("a"))
    strange = Params((Job("a", users=("nobody",)),), spool=f"{tmp_path}/strange")
    asked, knocked = trio.Event(), trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch, jobs.context, jobs.params, asked.set)
        nursery.start_soon(watch, jobs.context, strange, knocked.set)
        with trio.fail_after(MOST):
            while not asked.is_set():  # the sockets are not there at once
                writer.knock(strange.spool)
                writer.knock(jobs.spool)
                await trio.sleep(0.01)
        nursery.cancel_scope.cancel()

    assert not knocked.is_set()


async def test_users_that_are_unknown_are_named() -> None:
    params = Params((Job("a", users=("root", "no-such-user")),))

    assert [*await examine(params)] == ["there is no user 'no-such-user'; mend `users`"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"at": ("2:00",)}, "is not a time"),
        ({"at": ("02:00",), "every": Duration(60)}, "both `at` and `every`"),
        ({"unit": "x.timer"}, "is not a service"),
        ({"unit": "x", "users": ("root",)}, "both `unit` and `users`"),
        ({"every": Duration(0)}, "is 0 or less"),
    ],
)
def test_wrong_jobs_are_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Job("a", **given)


SHOW = """\
Id=certbot.service
Names=certbot.service
LoadState=loaded
ActiveState=inactive
Result={result}
ExecMainStartTimestamp=@1767225600
ExecMainExitTimestamp=@1767225630
ExecMainCode=1
ExecMainStatus={status}

Id=never.service
Names=never.service
LoadState=loaded
ActiveState=inactive
Result=success
ExecMainStartTimestamp=
ExecMainExitTimestamp=
ExecMainCode=0
ExecMainStatus=0
"""


@pytest.mark.parametrize(("result", "status", "fires"), [("success", 0, 0), ("exit-code", 1, 1)])
async def test_a_unit_needs_no_wrapper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, result: str, status: int, fires: int
) -> None:
    program = tmp_path / "systemctl"
    program.write_text(f"#!/bin/sh\ncat <<'E'\n{SHOW.format(result=result, status=status)}E\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    jobs = Jobs(tmp_path, Job("a", unit="certbot"), Job("b", unit="never"))
    for _ in range(3):
        found = await jobs.look()

    assert [each.alertname for each in found] == ["Job failed"] * fires
    assert jobs.figures["job_duration", "a"] == 30
    assert jobs.figures["job_successes", "a"] + jobs.figures["job_failures", "a"] == 1
    assert ("job_duration", "b") not in jobs.figures


async def test_a_unit_that_systemd_does_not_know_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "systemctl"
    program.write_text("#!/bin/sh\necho Id=x.service\necho LoadState=not-found\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    with pytest.raises(CheckFailed, match=r"does not know x\.service"):
        await unit.ask([("a", "x.service")])
