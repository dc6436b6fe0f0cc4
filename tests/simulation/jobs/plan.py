"""What the jobs of a host do, made from a stream of chance of its own. A reload may change it."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from random import Random
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from tests.simulation.jobs.script import Act, Jobs, ScriptedJob
from tests.simulation.kinds import DAY
from tests.simulation.promises.timetable import local_times
from tests.simulation.scenario import Fault

HOSTS = 0.3
"""How many hosts have jobs at all."""

TROUBLE = ("failed", "failed", "signal", "killed", "missed", "missed", "late", "late", "again")
RARE = ("by_hand", "by_hand", "overlap", "half", "broken", "never_ends")
"""What a run may come to, beside a success in time."""

GRACES = (60.0, 300.0, 1800.0)
"""Seconds for which a success may be late."""

DOWN = (1.0, 1.0, 1.0, 60.0, 3600.0, 3 * 3600.0)
"""Seconds for which the supervisor is down that is killed while a job reports."""

STEPS = 60
"""Steps of tasks in which a report is read and written to the ledger."""


@frozen
class Pace:
    """How often the jobs of one kind of hosts run."""

    module: tuple[float, ...]
    """Seconds between two runs of the module."""

    every: tuple[float, ...]
    """Seconds between two successes of a job."""

    calm: float
    """How likely a run is in time and well."""

    kills: float
    """How likely a kill meets an act."""


PACES = {
    "dense": Pace((30.0, 60.0, 300.0), (3600.0, 4 * 3600.0), calm=0.6, kills=0.05),
    "ordinary": Pace((60.0, 300.0, 900.0), (4 * 3600.0, DAY), calm=0.7, kills=0.05),
    "calm": Pace((6 * 3600.0, DAY / 2), (DAY, 7 * DAY), calm=0.9, kills=0.01),
    "rough": Pace((30.0, 60.0), (600.0, 1800.0), calm=0.5, kills=0.2),
}
"""By the kind of the hosts."""


def jobs_and_kills(
    choose: Random, kind: str, zone: str, *, start: float, seconds: float
) -> tuple[Jobs | None, list[Fault]]:
    """Return the jobs of a host, and what befalls it while they report. Most hosts have none."""
    if choose.random() >= HOSTS:
        return None, []
    pace = PACES[kind]
    jobs = tuple(_job(choose, pace, number) for number in range(choose.randint(1, 3)))
    acts: list[Act] = []
    for job in jobs:
        acts += _acts(choose, job, pace, _dues(job, zone, start, seconds))
    within = (act for act in acts if 0.0 < act.at < seconds)
    made = Jobs(choose.choice(pace.module), jobs, tuple(sorted(within, key=attrgetter("at"))))
    return made, [fault for fault in _kills(choose, pace, made) if fault.at < seconds]


def _kills(choose: Random, pace: Pace, jobs: Jobs) -> Iterator[Fault]:
    """Yield kills of the supervisor when a report has just come.

    It is read then, or is on its way to the ledger, or is removed.
    """
    for act in jobs.acts:
        if choose.random() < pace.kills:
            at = round(act.at + choose.choice((0.0, 0.0, 1.0)), 3)
            down, steps = choose.choice(DOWN), choose.randint(1, STEPS)
            yield Fault(at, "kill", seconds=down, amount=float(steps))


def changed(jobs: Jobs | None, amount: float) -> Jobs | None:
    """Return the jobs of a service file after a reload: the module may run seldom, or not."""
    choose = Random(f"jobs {amount}")
    if jobs is None or choose.random() < 0.6:
        return jobs
    if choose.random() < 0.5:
        return evolve(jobs, every=2 * jobs.every)
    return evolve(jobs, enabled=False)


def _job(choose: Random, pace: Pace, number: int) -> ScriptedJob:
    name, grace = f"job-{number}", choose.choice(GRACES)
    if choose.random() < 0.5:
        return ScriptedJob(name, every=choose.choice(pace.every), grace=grace)
    minutes = sorted(choose.sample(range(0, 24 * 60, 10), choose.randint(1, 3)))
    if choose.random() < 0.5:
        minutes = sorted({*minutes, choose.randrange(0, 4 * 60)})  # when clocks are changed
    at = tuple(f"{minute // 60:02}:{minute % 60:02}" for minute in minutes)
    return ScriptedJob(name, at=at, grace=grace)


def _dues(job: ScriptedJob, zone: str, start: float, seconds: float) -> Iterator[float]:
    """Yield when successes are due, if all come in time."""
    if job.every is not None:
        yield from (due * job.every for due in range(int(seconds / job.every) + 1))
        return
    times, moment = local_times(job.at, None, ZoneInfo(zone)), start
    while (moment := times.next(moment)) < start + seconds:
        yield moment - start


def _acts(choose: Random, job: ScriptedJob, pace: Pace, dues: Iterator[float]) -> Iterator[Act]:
    soonest = 0.6 * job.every if job.every is not None else 1.0
    for number, due in enumerate(dues):
        how = "well"
        if choose.random() > pace.calm:
            how = choose.choice(choose.choice((TROUBLE, TROUBLE, RARE)))
        if how == "missed":
            continue
        began = due + choose.uniform(1.0, 0.5 * job.grace)
        if job.every is not None:
            began += choose.uniform(0.0, job.every - soonest) - 0.2 * job.every
        if how == "late":
            began += job.grace + choose.uniform(0.0, 2 * job.grace)
        run = f"{number:x}{choose.getrandbits(40):010x}"
        ended = began + choose.uniform(0.5, 0.4 * job.grace)
        for act in _run(choose, Act(began, job.name, "start", run), how, ended):
            yield evolve(act, at=round(act.at, 3))


def _run(choose: Random, start: Act, how: str, ended: float) -> Iterator[Act]:
    """Yield what one run does."""
    end = evolve(start, at=ended, kind="end")
    match how:
        case "by_hand":
            if choose.random() < 0.5:
                yield evolve(start, run="")
            yield evolve(end, run="", exit=choose.choice((0, 0, 1)))
            return
        case "never_ends":
            yield evolve(start, run="")
            return
        case "half" | "broken":
            yield evolve(end, kind=how, at=ended + 1.0)
        case "overlap":
            other = f"{choose.getrandbits(48):012x}"
            middle = (start.at + ended) / 2
            yield evolve(start, at=middle, run=other)
            yield evolve(end, at=ended + choose.uniform(1.0, 60.0), run=other, exit=1)
    yield start
    if how == "killed":
        yield evolve(end, kind=how)
        return
    failed = {"failed": evolve(end, exit=choose.randint(1, 3)), "signal": evolve(end, signal=9)}
    yield failed.get(how, end)
    if how == "again":
        for _ in range(choose.randint(1, 3)):
            yield evolve(end, kind=how, at=ended + choose.choice((0.1, 1.0, 5.0, 300.0, 4000.0)))
