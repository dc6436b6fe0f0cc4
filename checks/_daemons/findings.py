"""What one run finds of the daemons that have limits, and what the next run must know of it."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence

from attrs import field, frozen

from checks._daemons.restarts import replaced
from checks._daemons.usage import Usage
from checks._daemons.watched import WatchedProcess
from checks._processes import processor_time
from checks._processes.process import Process
from checks._processes.processor_time import Moment
from checks._processes.scan import ScanResult
from supervisor.api import Json

PROCESSOR, INSTANCES = "processor", "instances"
"""What the state of the check holds for the next run: times of processors, and what runs."""


@frozen
class Look:
    """One look at the processes."""

    scanned: ScanResult

    moment: Moment | None = None
    """When it was. None: no daemon has a limit that needs more than the scan."""

    usages: Mapping[str, Usage] = field(factory=dict)
    """What the processes use that have limits, by name."""


@frozen
class Findings:
    """What was found of all daemons that have limits, by the name of the process."""

    usages: Mapping[str, Usage] = field(factory=dict)

    percents: Mapping[str, float] = field(factory=dict)
    """Percent of one processor since the last run."""

    wrong_users: Mapping[str, str] = field(factory=dict)
    """What is wrong with the user of a process."""

    restarted: Mapping[str, Sequence[Process]] = field(factory=dict)
    """The instances that came while others ended since the last run."""

    seconds: float = 0.0
    """Seconds since boot when the processes were found."""

    users_unknown: str = ""
    """Why the users could not be looked up."""


def since_the_last_run(
    state: MutableMapping[str, Json], processes: Sequence[WatchedProcess], seen: Look
) -> Findings:
    """Return what was found, beside what the last run has left in the state.

    What the next run needs takes its place. Nothing is kept that no limit needs.
    """
    processor, instances = state.pop(PROCESSOR, None), state.pop(INSTANCES, None)
    if seen.moment is None:
        return Findings()
    limited = [(each.name, each.daemon) for each in processes if each.daemon is not None]
    percents: Mapping[str, float] = {}
    if timed := [name for name, daemon in limited if daemon.max_cpu_percent]:
        used = {name: seen.usages[name].processor if name in seen.usages else {} for name in timed}
        reading = processor_time.read(processor, seen.moment, used)
        state[PROCESSOR], percents = reading.state, reading.percents
    restarted = {}
    if aged := [name for name, daemon in limited if daemon.min_uptime]:
        known = _of_this_boot(instances, seen.moment)
        names: dict[str, Json] = {}
        for name in aged:
            running = seen.usages[name].running if name in seen.usages else ()
            restarted[name], names[name] = replaced(known.get(name), running)
        state[INSTANCES] = {"boot": seen.moment.boot, "of": names}
    running_percents = {name: each for name, each in percents.items() if name in seen.usages}
    return Findings(
        usages=seen.usages,
        percents=running_percents,
        restarted=restarted,
        seconds=seen.moment.at,
    )


def _of_this_boot(kept: Json, moment: Moment) -> Mapping[str, Json]:
    """Return the instances by name. After a start of the host there are none."""
    match kept:
        case {"boot": boot, "of": dict(names)} if boot == moment.boot:
            return names
    return {}
