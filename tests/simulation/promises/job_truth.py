"""What the reports of one job come to: how many ends there were, and how the last one was.

It is the simplest model of docs/reference/jobs.md. It knows nothing of the check's code.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from attrs import define, field

from tests.simulation.events import ClockSet, Event, FaultBegan
from tests.simulation.jobs.events import JobActed, JobsBegan
from tests.simulation.jobs.script import ScriptedJob
from tests.simulation.promises.timetable import LocalTimes, local_times
from tests.simulation.promises.watched_module import FORGIVEN_STEP

BY_CLOCK = 31.0
"""Seconds by which times may be wrong when the clock is set a little."""

MARGIN = 1.0
"""Seconds near a deadline in which it is not judged."""

NOTICED = 60.0
"""Seconds until a run has noticed that the clock was set."""

SURELY = 5
"""Runs on a good disk after which what can be known is surely in the ledger."""


@define(eq=False)
class Count:
    """How many ends of one sort there were."""

    written: int = 0
    """Reports that are in the spool, or were."""

    before: int = 0
    """Those that were there when the last run of the check began."""

    base: int | None = 0
    """What the check counts beyond them, since a ledger was lost. None: that is not known."""


@define(eq=False)
class ClockTrust:
    """From when on times are right that the host's clock shows."""

    highest: float = -math.inf
    """The latest time that the clock has shown, as far as the check may still know of it."""

    set_to: float = -math.inf
    """What the clock was set to last."""

    set_at: float = -math.inf
    """When the clock was set last, as true time."""

    until: float = -math.inf
    """Until when it drifts, or is wrong for a while, in monotonic time."""

    _suspended: float = 0.0
    _runs: int = 0
    """Runs since the clock was set."""

    @property
    def since_clock(self) -> float:
        """Return from which time of the clock on it is known what is due."""
        return max(self.set_to, self.highest) + NOTICED

    def finish(self, clock: float) -> None:
        """A run is in the ledger. It has noticed that a time lies too far ahead."""
        self._runs += 1
        if self._runs >= SURELY:
            self.highest = min(self.highest, clock + FORGIVEN_STEP)

    def hear(self, event: Event, now: float) -> None:
        """Take note of an event; `now` is the monotonic time."""
        match event:
            case FaultBegan(kind="clock_step" | "drift"):
                self.until = max(self.until, now + event.seconds + MARGIN)
                self.set_at = event.at
            case ClockSet(suspended=suspended) if suspended != self._suspended:
                self._suspended = suspended
            case ClockSet():
                self.highest = max(self.highest, event.clock - event.by)
                self.set_to, self.set_at, self._runs = event.clock, event.at, 0


@define(eq=False)
class JobTruth:
    """One job."""

    script: ScriptedJob
    zone: ZoneInfo
    successes: Count = field(factory=Count)
    failures: Count = field(factory=Count)

    kills: int = 0
    """Wrappers that were killed, and that may be counted as failures or not yet."""

    alive: set[str] = field(factory=set)
    """Runs whose wrappers run."""

    unsure: set[str] = field(factory=set)
    """Those of them that began before a ledger was lost."""

    unsettled: int = 0
    """Runs of the check until all of this is counted that can be."""

    has_failed: bool | None = False
    """Whether the last end was a failure. None: that is not known."""

    has_ended: bool = False
    """Whether it has ended since a wrapper was killed."""

    success: JobActed | None = None
    """The last success."""

    is_known: bool = True
    """Whether the check knows of it, or has known the job from the beginning."""

    seen: float | None = None
    """When a run has first seen the job, by the host's clock, and maybe was not written."""

    since: tuple[float, float] | None = None
    """When a run that was written had seen it: by the host's clock, and as true time."""

    has_acted: bool = False
    """Whether it has done something since the last run of the check began."""

    times: LocalTimes | None = field(init=False)

    def __attrs_post_init__(self) -> None:
        at = self.script.at
        self.times = local_times(at, None, self.zone) if at else None

    # -- what happens ------------------------------------------------------------------------------

    def act(self, act: JobActed) -> None:
        """Take what the job does."""
        self.has_acted = True
        match act.kind:
            case "start" if act.run:
                self.alive.add(act.run)
            case "killed" if act.run in self.alive:
                self.alive.discard(act.run)
                self.kills, self.unsettled = self.kills + 1, SURELY
                self.has_failed, self.has_ended = None, False
                if act.run in self.unsure:
                    self.forget_counts()  # exempt: it may not be known that it has begun
            case "end":
                self._end(act)
            case "again" if not self.is_known or self.successes.base is None:
                self.forget_counts()  # exempt: it may not be known that it is a copy

    def _end(self, act: JobActed) -> None:
        self.alive.discard(act.run)
        (self.successes if act.is_success else self.failures).written += 1
        self.has_failed = None if self.kills else not act.is_success
        self.has_ended = True
        if act.is_success:
            self.success, self.is_known = act, True

    def lose(self) -> None:
        """The ledger is lost, or an older one came back: it is not known what it holds."""
        self.forget_counts()
        self.unsure |= self.alive
        self.has_failed, self.is_known, self.since = None, False, None

    def forget_counts(self) -> None:
        """Learn from later runs what is counted."""
        self.unsettled = SURELY
        self.successes.base = self.failures.base = None

    def begin(self, clock: float) -> None:
        """A run of the check begins."""
        self.has_acted = False
        self.seen = clock if self.seen is None else self.seen
        for count in (self.successes, self.failures):
            count.before = count.written

    def finish(self, clock: float, at: float) -> None:
        """A run of the check is in the ledger, which began then or before."""
        self.since = (clock, at) if self.since is None else self.since
        self.unsettled = max(0, self.unsettled - 1)
        if self.kills and not self.unsettled:
            self.failures.written += self.kills
            self.kills = 0
            self.has_failed = None if self.has_ended else True

    def die(self) -> None:
        """The supervisor has ended, and may know less when it is started again."""
        if self.unsettled:
            self.unsettled = SURELY

    # -- what must follow --------------------------------------------------------------------------

    def judge_counts(self, successes: int, failures: int) -> Iterator[str]:
        """Yield what is wrong with what a run has counted."""
        for count, seen, more, what in (
            (self.successes, successes, 0, "successes"),
            (self.failures, failures, self.kills, "failures"),
        ):
            if count.base is None:
                if not (self.unsettled or self.has_acted or self.kills):
                    count.base = seen - count.written
                continue
            least, most = count.before + count.base, count.written + more + count.base
            if not least <= seen <= most:
                yield f"{seen} {what} are counted; there were from {least} to {most}"

    def is_missing(self, began: JobsBegan, trust: ClockTrust, now: float) -> bool | None:
        """Return whether the job is missing. None: it may be, or not."""
        if self.times is None:
            return self._is_too_old(began, trust, now)
        clock, grace = began.clock, self.script.grace
        due = self.times.last(clock - grace - MARGIN)
        if due != self.times.last(clock - grace + MARGIN):
            return None
        if due <= trust.since_clock or now <= trust.until:
            return None  # exempt: the clock was set near this time
        if self.success is not None and abs(self.success.clock - due) <= MARGIN:
            return None
        if self.success is not None and self.success.clock > due:
            return False if self.success.at > trust.set_at and self.is_known else None
        if self.since is not None and due > self.since[0] + MARGIN:
            return True
        is_early = self.seen is not None and due < self.seen - MARGIN
        return False if is_early and self.success is None and self.is_known else None

    def _is_too_old(self, began: JobsBegan, trust: ClockTrust, now: float) -> bool | None:
        """Return whether the last success, or the beginning, is too long ago."""
        limit = (self.script.every or 0.0) + self.script.grace
        is_right = now > trust.until
        if self.success is not None and began.at - self.success.at < limit - BY_CLOCK:
            return False if self.is_known else None
        if self.since is None:
            return None
        last = max(self.since[1], -math.inf if self.success is None else self.success.at)
        if began.at - last > limit + BY_CLOCK:
            return True if is_right and last > trust.set_at else None
        return None
