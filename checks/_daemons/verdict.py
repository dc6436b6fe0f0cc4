"""Judges what daemons use, how many of them run, and whether they were restarted. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from checks._common.durations import span
from checks._common.limits import compared
from checks._common.plurals import counted, counted_processes
from checks._common.sizes import size
from checks._daemons.findings import Findings
from checks._daemons.usage import Memory, Usage
from checks._daemons.watched import RESTARTED, Daemon, WatchedProcess
from checks._processes.process import TICKS, Process
from supervisor.api import Condition, Limit, Measurement, Observation

WARNING = "W"
"""The event type of what is beyond a limit that is a plain number."""


def count_condition(watched: WatchedProcess, running: int) -> Iterator[Condition]:
    """Yield a condition if too few or too many processes have the name. None at all is another."""
    expected = watched.daemon.counts if watched.daemon else None
    if expected is None or running in expected or not running:
        return
    few, many = expected.start, expected.stop - 1
    how_many = f"{few}" if few == many else f"{few} to {many}"
    message = f"{counted_processes(running)} of {watched.name} {'runs' if running == 1 else 'run'}"
    yield Condition("Daemon count", WARNING, watched.name, f"{message}, expected {how_many}")


def observations(watched: WatchedProcess, findings: Findings) -> Iterator[Observation]:
    """Yield what is measured of the processes with this name, and what is wrong."""
    name, daemon, usage = watched.name, watched.daemon, findings.usages.get(watched.name)
    if daemon is None or usage is None:
        return
    yield from _memory(name, daemon, usage)
    yield from _processor(name, daemon, usage, findings.percents.get(name))
    yield from _threads(name, daemon, usage)
    yield from _open_files(name, daemon, usage)
    if wrong := findings.wrong_users.get(name):
        yield Condition("Daemon user wrong", WARNING, name, wrong)
    yield from _restarts(name, daemon, findings)
    yield from _unreadable(name, daemon, usage, findings)


def _memory(name: str, daemon: Daemon, usage: Usage) -> Iterator[Observation]:
    limit, memory = daemon.max_memory, usage.memory
    if limit is None or memory is None:
        return
    yield _figure("daemon_rss_bytes", name, memory.resident, limit, "B")
    if memory.proportional is not None:
        held = memory.proportional
        said = f"holds {size(held)} of memory ({_kind(memory, usage)}){_in(usage)}"
        if not memory.unseen:
            yield _figure("daemon_pss_bytes", name, held, limit, "B")
        yield from _above("Daemon memory", name, held, limit, said, size)


def _kind(memory: Memory, usage: Usage) -> str:
    if not memory.unseen:
        return "PSS"
    if memory.unseen == len(usage.members):
        return "RSS"
    return f"PSS, RSS of {counted_processes(memory.unseen)}"


def _processor(
    name: str, daemon: Daemon, usage: Usage, percent: float | None
) -> Iterator[Observation]:
    limit = daemon.max_cpu_percent
    if limit is None or percent is None:
        return
    yield _figure("daemon_cpu_percent", name, percent, limit, "%")
    said = f"used {percent:.0f} % of a processor{_in(usage)} since the last run"
    yield from _above("Daemon CPU usage", name, percent, limit, said, "{:g} %".format)


def _threads(name: str, daemon: Daemon, usage: Usage) -> Iterator[Observation]:
    limit = daemon.max_threads
    if limit is None:
        return
    yield _figure("daemon_threads", name, usage.threads, limit)
    said = f"has {counted(usage.threads, 'thread')}{_in(usage)}"
    yield from _above("Daemon threads", name, usage.threads, limit, said, "{:,}".format)


def _open_files(name: str, daemon: Daemon, usage: Usage) -> Iterator[Observation]:
    limit, files = daemon.max_open_files, usage.open_files
    if limit is None or files is None:
        return
    if not files.unseen:
        yield _figure("daemon_open_files", name, files.count, limit)
    said = f"has {counted(files.count, 'open file')}{_in(usage)}"
    yield from _above("Daemon open files", name, files.count, limit, said, "{:,}".format)


def _restarts(name: str, daemon: Daemon, findings: Findings) -> Iterator[Observation]:
    limit, usage = daemon.min_uptime, findings.usages[name]
    if limit is None:
        return
    youngest = max(usage.running, key=lambda process: process.born)
    uptime = round(_age(youngest, findings))
    yield _figure("daemon_uptime_seconds", name, uptime, limit, "s")
    restarted = findings.restarted.get(name, ())
    if restarted:
        latest = restarted[-1]
        age = _age(latest, findings)
        if crossing := limit.below(age, WARNING):
            others = f", one of {len(restarted)} that are new" if restarted[1:] else ""
            what = f"{name} was restarted {span(round(age))} ago as {latest}{others}"
            bound = compared(", less than", limit, span)
            yield crossing.condition(RESTARTED, name, f"{what}{bound}")


def _age(process: Process, findings: Findings) -> float:
    return max(0.0, findings.seconds - process.born / TICKS)


def _unreadable(name: str, daemon: Daemon, usage: Usage, findings: Findings) -> Iterator[Condition]:
    why = []
    if usage.open_files is not None and usage.open_files.unseen:
        whose = f"the open files of {counted_processes(usage.open_files.unseen)}"
        why.append(f"max_open_files: cannot see {whose}, such as {usage.open_files.trouble}")
    if daemon.user and findings.users_unknown:
        why.append(f"user: cannot look up {daemon.user}: {findings.users_unknown}")
    if why:
        message = f"cannot judge all of {name}: {'; '.join(why)}"
        yield Condition("Value unreadable", "E", name, message)


def _above(
    alertname: str,
    name: str,
    value: float,
    limit: Limit[Any],
    said: str,
    show: Callable[[Any], str],
) -> Iterator[Condition]:
    if crossing := limit.above(value, WARNING):
        message = f"{name} {said}{compared(', more than', limit, show)}"
        yield crossing.condition(alertname, name, message)


def _figure(
    measured: str, name: str, value: float, limit: Limit[Any], unit: str = ""
) -> Measurement:
    return Measurement(measured, value, unit, {"process": name}, limits=limit.numbers)


def _in(usage: Usage) -> str:
    return f" in {counted_processes(len(usage.members))}" if len(usage.members) > 1 else ""
