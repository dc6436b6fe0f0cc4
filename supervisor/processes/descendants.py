"""Finds and ends the descendants of commands, even those that have left their parents.

Each run of a command marks its descendants. The mark is a soft `RLIMIT_RTTIME` that no other run
has. Processes inherit it through fork, exec and setsid, even when they wipe their environment. It
can be read in /proc, and it limits nothing. As a child subreaper, this process becomes the parent
of all orphans. `command` calls these functions. All are synchronous and for the main thread only:
as no other thread reaps, a PID stays valid until we reap it.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import itertools
import logging
import os
import resource
import signal
import time
from collections.abc import Iterator

from attrs import define

from supervisor.host.inherited import has_strangers
from supervisor.processes import procfs

log = logging.getLogger(__name__)

PR_SET_CHILD_SUBREAPER = 36
"""From linux/prctl.h."""

MIN_MARK = 10**15
"""Marks of all supervisors begin here, in µs: a limit of more than thirty years."""

FIRST_MARK = MIN_MARK + (os.getpid() << 32)
"""Our marks begin here. The PID keeps them apart from those of a supervisor in a command."""

MAX_ROUNDS = 200
"""Rounds of one sweep, at most. A process that forks all the time needs some milliseconds."""

TICKS = os.sysconf("SC_CLK_TCK")
"""Clock ticks in a second."""

_marks = itertools.count(FIRST_MARK)
"""The marks that are still free."""

_lineages: dict[int, Lineage] = {}
"""Runs that have begun and are not forgotten, by their marks."""

_stuck: set[int] = set()
"""Children that SIGKILL cannot end."""

_foreign: set[int] = set()
"""Children that were there before any command: not ours to end."""


@define(eq=False)
class Lineage:
    """One run of a command, with all its descendants."""

    mark: int
    since: int
    """When it began, in clock ticks since boot."""
    leader: int = 0
    """The PID of its first process; 0 before the start and after it is reaped."""
    status: int | None = None
    """The leader's exit status, or minus its signal, when it is known."""
    strays: int = 0
    """Other processes that had to be killed."""
    over: bool = False
    """Whether none of its processes may live any more."""

    def signal_group(self, number: signal.Signals) -> None:
        """Signal the leader's group, also when the leader itself has exited."""
        if not self.leader:
            return  # reaped: its number may already name another group
        try:
            os.killpg(self.leader, number)
        except ProcessLookupError:
            return
        except PermissionError as error:
            log.warning("cannot signal the process group %d: %s", self.leader, error)

    def forget(self) -> None:
        """Give up its claim: no lineage owns the processes that still have its mark."""
        self.over = True
        del _lineages[self.mark]


@functools.cache
def become_subreaper() -> None:
    """Adopt every orphan that descends from this process.

    Raises `OSError` where the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot become a child subreaper")


def begin() -> Lineage:
    """Return a new lineage, to be ended by `forget`."""
    if not _lineages:
        # No command runs, so these children are not a command's: a test's server, for example.
        _foreign.clear()
        _foreign.update(set(procfs.children()) - _stuck)
    lineage = Lineage(mark=next(_marks), since=int(time.clock_gettime(time.CLOCK_BOOTTIME) * TICKS))
    _lineages[lineage.mark] = lineage
    return lineage


@contextlib.contextmanager
def marking(lineage: Lineage) -> Iterator[None]:
    """Mark the processes that are started in this context; only the command may be started."""
    soft, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
    if hard != resource.RLIM_INFINITY and hard < lineage.mark:
        _tell_of_low_limit(hard)
        yield
        return
    resource.setrlimit(resource.RLIMIT_RTTIME, (lineage.mark, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_RTTIME, (soft, hard))


def sweep() -> set[int]:
    """Kill and reap every orphan that no running lineage can own; return those not yet dead.

    A process that cannot be killed is logged once and no longer returned. When it ends by itself,
    a later sweep reaps it.
    """
    orphans: set[int] = set()
    for _ in range(MAX_ROUNDS):
        owners = _find_orphans()
        orphans = set(owners)
        reaped = sum(_end(pid, owner) for pid, owner in owners.items())
        if not reaped:  # else we may have become the parent of its children
            break
    return orphans - _stuck


def _find_orphans() -> dict[int, Lineage | None]:
    """Return those of our children that must end, each with the lineage that it belongs to."""
    leaders = {lineage.leader: lineage for lineage in _lineages.values() if lineage.leader}
    orphans = {}
    for pid in {*procfs.children(), *leaders}:
        mark = leaders[pid].mark if pid in leaders else procfs.rttime(pid)
        owner = _lineages.get(mark)
        if owner.over if owner else _is_ownerless(pid, mark):
            orphans[pid] = owner
    return orphans


def is_command(pid: int) -> bool:
    """Return whether a process descends from a command of this or another supervisor.

    Any thread may call this function.
    """
    return procfs.rttime(pid) >= MIN_MARK


def reap_dead() -> None:
    """Reap the orphans of running lineages that have ended by themselves.

    Else a command that runs for a long time could use up all PIDs.
    """
    leaders = {lineage.leader for lineage in _lineages.values()}
    for pid in procfs.children():
        if pid not in leaders and procfs.rttime(pid) in _lineages:
            os.waitpid(pid, os.WNOHANG)


def give_up(pids: set[int]) -> None:
    """Wait no longer for processes that SIGKILL does not end, for example on a dead disk."""
    for pid in pids.intersection(procfs.children()):
        log.warning("cannot end the process %d: it does not die", pid)
        _stuck.add(pid)


def end_all_descendants(within: float = 1.0) -> None:
    """Kill and reap all descendants of this process, as its last act.

    It blocks for at most `within` seconds.
    """
    deadline = time.monotonic() + within
    known: set[int] = set()
    while children := _descendants():
        for pid in children:
            _end(pid, None)
        if time.monotonic() > deadline:
            log.warning("cannot end the processes %s: they do not die", sorted(children))
            return
        if children <= known:  # no new process
            time.sleep(0.001)
        known |= children


def dead_strangers() -> set[int]:
    """Return the children that are dead and not yet reaped, apart from the first of each run."""
    leaders = {lineage.leader for lineage in _lineages.values()}
    return {pid for pid in procfs.children(every_thread=True) if pid not in leaders and _died(pid)}


def reap(pids: set[int]) -> None:
    """Reap dead children."""
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        _stuck.discard(pid)


def _died(pid: int) -> bool:
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:  # reaped since
        return False


def _descendants() -> set[int]:
    """Return our children that are, or descend from, commands."""
    found = procfs.children(every_thread=True)
    return {pid for pid in found if not has_strangers() or is_command(pid)}


def _end(pid: int, lineage: Lineage | None) -> bool:
    """Kill one child; return whether it is dead and reaped."""
    if pid not in _stuck:
        _kill(pid)
    try:
        reaped, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:  # other code has reaped it
        reaped, status = pid, None
    if not reaped:
        return False
    _stuck.discard(pid)
    if lineage and pid == lineage.leader:
        lineage.leader = 0
        lineage.status = None if status is None else os.waitstatus_to_exitcode(status)
    elif lineage and status is not None and os.WIFSIGNALED(status):
        lineage.strays += os.WTERMSIG(status) == signal.SIGKILL
    return True


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
        # Now it cannot fork any more. Kill the rest of its group in the same moment. The number
        # of that group stays valid until we reap the process.
        if (group := os.getpgid(pid)) != os.getpgrp():
            os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass  # other code has reaped it
    except PermissionError as error:
        log.warning("cannot end the process %d: %s", pid, error)
        _stuck.add(pid)


def _is_ownerless(pid: int, mark: int) -> bool:
    """Return whether an orphan without a running lineage's mark may be ended.

    We never use a mark twice. An orphan with another mark has set that itself: it may descend from
    any lineage that began before the orphan did.
    """
    if FIRST_MARK <= mark < FIRST_MARK + (1 << 32):
        return True
    if has_strangers():
        return False  # without our mark it may be anybody's: started by `docker exec`, for example
    try:
        if os.getsid(pid) == os.getsid(0) or pid in _foreign:
            return False  # commands have sessions of their own, so this is not one's
        born = procfs.born(pid)
    except OSError:
        return False
    return all(lineage.over or lineage.since > born for lineage in _lineages.values())


@functools.cache
def _tell_of_low_limit(hard: int) -> None:
    log.warning(
        "the hard limit RLIMIT_RTTIME of %d µs is too low to mark commands with: "
        "a daemon that a command leaves behind stays until the older commands have ended; "
        "remove LimitRTTIME= from the unit",
        hard,
    )
