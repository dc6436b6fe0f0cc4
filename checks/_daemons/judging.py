"""One run over daemons that have limits: looks, compares with the last run, and judges.

`daemon` imports it only if some daemon has a limit.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from functools import partial

from attrs import evolve

from checks._common.deadlines import within
from checks._daemons import verdict
from checks._daemons.findings import Findings, Look, since_the_last_run
from checks._daemons.usage import measure
from checks._daemons.users import wrong_users
from checks._daemons.watched import WatchedProcess
from checks._files.probing import probe_within
from checks._processes import processor_time
from checks._processes.scan import scan
from supervisor.api import Json, Observation

USERS_TIMEOUT = 5.0
"""Seconds for looking up the users. They may be on a server that is dead."""


def look(processes: Sequence[WatchedProcess]) -> Look:
    """Return the processes, and what those use that have limits. Blocks. Raises `OSError`."""
    scanned = scan([process.name for process in processes])
    if not any(process.daemon and process.daemon.is_measured for process in processes):
        return Look(scanned)
    return Look(scanned, processor_time.now(), measure(processes, scanned))


async def judge(
    state: MutableMapping[str, Json], processes: Sequence[WatchedProcess], seen: Look
) -> Mapping[str, Sequence[Observation]]:
    """Return what is measured and what is wrong, by the name of the process."""
    found = await _with_users(since_the_last_run(state, processes, seen))
    return {
        each.name: (
            *verdict.count_condition(each, len(each.counting(seen.scanned)[0])),
            *verdict.observations(each, found),
        )
        for each in processes
    }


async def _with_users(found: Findings) -> Findings:
    """Return the same with what is wrong with the users. A server of users may not answer."""
    wanted = [(name, usage) for name, usage in found.usages.items() if usage.owners]
    if not wanted:
        return found
    try:
        wrong = await probe_within(
            within(USERS_TIMEOUT), "look-up of users", partial(wrong_users, wanted)
        )
    except TimeoutError as error:
        return evolve(found, users_unknown=str(error))
    return evolve(found, wrong_users=wrong)
