"""Each end of a job that was written to the spool counts once, and what is due is awaited.

What a run of the check `jobs` returns follows from what the jobs have reported until then, whatever
has befallen the supervisor in between. A report that waits in the spool is not lost, so a kill or a
disk that takes nothing excuses nothing. Exempt is:

- A ledger that is gone, damaged or older: what it knew of reports that were removed is not known.
- What a clock has to do with that was set: what was due until then.
- A wrapper that was killed: its end counts some runs later, and these may be lost.
- More reports than one run takes, as after months without the module: later runs take the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from attrs import define, field

from tests.simulation.events import (
    ClockSet,
    Event,
    FaultBegan,
    Fed,
    LifeBegan,
    LifeEnded,
    RunFinished,
    ServiceRead,
)
from tests.simulation.jobs.events import JobActed, JobsBegan, JobsSeen
from tests.simulation.jobs.plan import changed
from tests.simulation.jobs.script import MODULE, Jobs
from tests.simulation.promises.finding import Finding
from tests.simulation.promises.job_truth import SURELY, ClockTrust, JobTruth
from tests.simulation.promises.weather import Weather
from tests.simulation.scenario import Scenario

RUNS_WITHIN = 90.0
"""Seconds after its time in which the module runs: also the first time, and while it stops."""

MANY = 400
"""Reports that one run surely takes. A report may be two files."""

LOOK_INTERVAL = 10.0


@define(eq=False)
class each_report_of_a_job_counts_once:  # noqa: N801 - judges are named as what they judge
    """Compares what the check `jobs` returns with what the jobs did."""

    scenario: Scenario
    weather: Weather = field(init=False)
    trust: ClockTrust = field(factory=ClockTrust)
    jobs: dict[str, JobTruth] = field(init=False)
    told: Jobs | None = field(init=False)
    """What the service file says of them."""

    in_force: Jobs | None = None
    """What it said when it was read last. None: it is about to be read."""

    awaited_since: float = 0.0
    """When the module ran last, or was told to run, in monotonic time."""

    unread: int = 0
    """What jobs did since the last run."""

    behind: int = 0
    """Runs until all reports are surely read, after there were many."""

    _began: JobsBegan | None = None
    _read: Jobs | None = None
    _look_at: float = 0.0

    def __attrs_post_init__(self) -> None:
        zone = ZoneInfo(self.scenario.settings.timezone)
        self.weather = Weather(self.scenario)
        self.told = self.scenario.jobs
        scripts = () if self.told is None else self.told.jobs
        self.jobs = {script.name: JobTruth(script, zone) for script in scripts}

    def hear(self, event: Event) -> Iterable[Finding]:
        """Find what a run has counted wrongly, or not at all, and whether there is a run."""
        if self.scenario.jobs is None:
            return
        is_doubtful = self.weather.now < self.weather.doubtful_until
        self.weather.hear(event)
        self.trust.hear(event, self.weather.now)
        match event:
            case JobActed():
                self.jobs[event.job].act(event)
                self.unread += 1
            case JobsBegan():
                self._began, self.awaited_since = event, self.weather.now
                for job in self.jobs.values():
                    job.begin(event.clock)
            case JobsSeen() if self._is_behind():
                pass
            case JobsSeen() if self._began is not None:
                for what in self._complaints(event, self._began):
                    yield self._finding(event.at, what)
            case RunFinished(module=module) if module == MODULE:
                yield from self._finish(event)
            case LifeEnded():
                self.behind += SURELY if self.behind else 0
                for job in self.jobs.values():
                    job.lose() if is_doubtful else job.die()
            case _:
                self._follow(event)
        if self.weather.now >= self._look_at:
            self._look_at = self.weather.now + LOOK_INTERVAL
            yield from self._look(event.at)

    def at_the_end(self, at: float) -> Iterable[Finding]:
        """Everything was judged before."""
        return ()

    def _finding(self, at: float, what: str) -> Finding:
        return Finding(type(self).__name__, at, what)

    def _is_behind(self) -> bool:
        """Return whether a run may have left some reports to the next one."""
        if self.unread > MANY:
            self.behind = SURELY + self.unread // MANY
            for job in self.jobs.values():
                job.forget_counts()
                job.unsettled += self.behind
        self.unread, self.behind = 0, max(0, self.behind - 1)
        return self.behind > 0

    def _complaints(self, seen: JobsSeen, began: JobsBegan) -> Iterator[str]:
        for name, job in self.jobs.items():
            counts = seen.successes.get(name, 0), seen.failures.get(name, 0)
            for what in job.judge_counts(*counts):
                yield f"{name}: {what}"
            if job.has_acted:
                continue  # exempt: whether this run has read that is not known
            expected = {
                "Job failed": job.has_failed,
                "Job missing": job.is_missing(began, self.trust, self.weather.now),
            }
            for condition, is_so in expected.items():
                if is_so is not None and is_so != ((condition, name) in seen.conditions):
                    yield f'{name}: "{condition}" {"is not" if is_so else "is"} seen'

    def _finish(self, event: RunFinished) -> Iterator[Finding]:
        if event.result not in ("ok", "conditions"):
            yield self._finding(event.at, f"a run of {MODULE} has failed: {event.result}")
        if self._began is not None and self.weather.now > self.weather.disk_settled:
            self.trust.finish(self._began.clock)
            for job in self.jobs.values():
                job.finish(self._began.clock, self._began.at)

    def _follow(self, event: Event) -> None:
        """Take what the service file says, and what is in force of it."""
        match event:
            case FaultBegan(kind="reload"):
                self.told = changed(self.scenario.jobs, event.amount)
            case ServiceRead():
                self.in_force, self._read = None, self.told
            case Fed() if self._read is not None and "READY=1" in event.lines:
                self._put_in_force(self._read)
            case LifeBegan():
                self._put_in_force(self.told)
                if event.ledger != "kept":
                    for job in self.jobs.values():
                        job.lose()
            case ClockSet():
                self.awaited_since = self.weather.now

    def _put_in_force(self, jobs: Jobs | None) -> None:
        self.in_force, self._read, self.awaited_since = jobs, None, self.weather.now

    def _look(self, at: float) -> Iterator[Finding]:
        """Find out whether the module does not run."""
        weather, jobs = self.weather, self.in_force
        is_disturbed = weather.is_recorder_stuck or weather.now < weather.disk_settled
        if not weather.is_up or is_disturbed or jobs is None or not jobs.enabled:
            self.awaited_since = weather.now
        elif (late := weather.now - self.awaited_since - jobs.every) > RUNS_WITHIN:
            self.awaited_since = weather.now
            yield self._finding(at, f"{MODULE} should have run {late:.0f} s ago")
