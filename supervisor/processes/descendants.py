"""Whose child is an orphan? Every run of a command marks its descendants; the rest is ended.

The mark is a soft `RLIMIT_RTTIME` of its own: inherited through fork, exec and setsid, kept
by a wiped environment, readable in /proc, without effect on anything. Orphans become our
children (child subreaper). All of this is synchronous and for the main thread alone, so
that nobody else reaps and a pid in hand stays ours; `process` calls it.
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

from supervisor.processes import procfs

log = logging.getLogger(__name__)

PR_SET_CHILD_SUBREAPER = 36

# A supervisor run by a command of ours marks too: the pid keeps its marks apart from ours.
LOWEST_MARK = 10**15
FIRST_MARK = LOWEST_MARK + (os.getpid() << 32)
ROUNDS = 200
"""Of one sweep at most: some milliseconds, for what forks as fast as it can."""
TICKS = os.sysconf("SC_CLK_TCK")

_marks = itertools.count(FIRST_MARK)
_lineages: dict[int, Lineage] = {}
_stuck: set[int] = set()
_foreign: set[int] = set()


@define(eq=False)
class Lineage:
    """One run of a command with all that descends from it.

    `since` is when it began, in clock ticks since boot; `leader` its first process until
    that is reaped, then 0; `status` the leader's exit status, or -signal, once known;
    `strays` counts the others that had to be ended. Once `over`, none of it may live.
    """

    mark: int
    since: int
    leader: int = 0
    status: int | None = None
    strays: int = 0
    over: bool = False

    def signal_group(self, number: signal.Signals) -> None:
        """Signal the leader's group, also when the leader itself has exited."""
        if not self.leader:
            return  # reaped: the number of its group may already be someone else's
        try:
            os.killpg(self.leader, number)
        except ProcessLookupError:
            return
        except PermissionError as error:
            log.warning("cannot signal the process group %d: %s", self.leader, error)

    def forget(self) -> None:
        """End its claim: what still bears its mark belongs to nobody."""
        self.over = True
        del _lineages[self.mark]


@functools.cache
def become_subreaper() -> None:
    """Adopt every orphan that descends from this process.

    Raises `OSError` where the kernel refuses.
    """
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        # Inherited from whoever started us; the kernel would reap before we can.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot become a child subreaper")


def begin() -> Lineage:
    """Return a new lineage, to be ended by `forget`."""
    if not _lineages:
        # Nothing of a command is alive, so these are someone else's, a test's server say.
        _foreign.clear()
        _foreign.update(set(procfs.children()) - _stuck)
    lineage = Lineage(mark=next(_marks), since=int(time.clock_gettime(time.CLOCK_BOOTTIME) * TICKS))
    _lineages[lineage.mark] = lineage
    return lineage


@contextlib.contextmanager
def marking(lineage: Lineage) -> Iterator[None]:
    """Mark what this process starts meanwhile; nothing else may start anything then."""
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

    What cannot be killed is logged once, no longer returned, and reaped by a later sweep
    when it goes by itself.
    """
    orphans: set[int] = set()
    for _ in range(ROUNDS):
        owners = _find_orphans()
        orphans = set(owners)
        reaped = sum(_end(pid, owner) for pid, owner in owners.items())
        if not reaped:  # whoever was reaped may have handed us its children
            break
    return orphans - _stuck


def _find_orphans() -> dict[int, Lineage | None]:
    """Return those of our children that must not live, with the lineage that had them."""
    leaders = {lineage.leader: lineage for lineage in _lineages.values() if lineage.leader}
    orphans = {}
    for pid in {*procfs.children(), *leaders}:
        mark = leaders[pid].mark if pid in leaders else procfs.rttime(pid)
        owner = _lineages.get(mark)
        if owner.over if owner else _is_nobodys(pid, mark):
            orphans[pid] = owner
    return orphans


def is_command(pid: int) -> bool:
    """Return whether a process descends from a command of this or another supervisor.

    Unlike all else here it may be called from any thread.
    """
    return procfs.rttime(pid) >= LOWEST_MARK


def reap_dead() -> None:
    """Reap the orphans of running lineages that have ended by themselves.

    A command that runs for long could otherwise use up the process numbers.
    """
    leaders = {lineage.leader for lineage in _lineages.values()}
    for pid in procfs.children():
        if pid not in leaders and procfs.rttime(pid) in _lineages:
            os.waitpid(pid, os.WNOHANG)


def give_up(pids: set[int]) -> None:
    """Wait no longer for processes that outlive SIGKILL, for instance on a dead disk."""
    for pid in pids.intersection(procfs.children()):
        log.warning("cannot end the process %d: it does not die", pid)
        _stuck.add(pid)


def end_all_descendants(within: float = 1.0) -> None:
    """Kill and reap everything that descends from this process, as its last act.

    Blocks, at most `within` seconds.
    """
    deadline = time.monotonic() + within
    known: set[int] = set()
    while children := set(procfs.children(every_thread=True)):
        for pid in children:
            _end(pid, None)
        if time.monotonic() > deadline:
            log.warning("cannot end the processes %s: they do not die", sorted(children))
            return
        if children <= known:  # nothing is born any more
            time.sleep(0.001)
        known |= children


def _end(pid: int, lineage: Lineage | None) -> bool:
    """Kill one child of ours; return whether it has died and been reaped."""
    if pid not in _stuck:
        _kill(pid)
    try:
        reaped, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:  # reaped behind our back
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
        # Now it can fork no more, and the rest of its group dies in the same moment. Until
        # we reap it, the number of that group is nobody else's.
        if (group := os.getpgid(pid)) != os.getpgrp():
            os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass  # reaped behind our back
    except PermissionError as error:
        log.warning("cannot end the process %d: %s", pid, error)
        _stuck.add(pid)


def _is_nobodys(pid: int, mark: int) -> bool:
    """Return whether an orphan without a running lineage's mark may be ended.

    Our own marks are never used twice. Another mark was set by the orphan itself: it may
    descend from any lineage that began before it was born.
    """
    if FIRST_MARK <= mark < FIRST_MARK + (1 << 32):
        return True
    try:
        if os.getsid(pid) == os.getsid(0) or pid in _foreign:
            return False  # a command has a session of its own: this one is no command's
        born = procfs.born(pid)
    except OSError:
        return False
    return all(lineage.over or lineage.since > born for lineage in _lineages.values())


@functools.cache
def _tell_of_low_limit(hard: int) -> None:
    log.warning(
        "the hard limit RLIMIT_RTTIME of %d µs is too low to mark commands with: "
        "a daemon that one leaves behind stays until the older commands have ended; "
        "remove LimitRTTIME= from the unit",
        hard,
    )
