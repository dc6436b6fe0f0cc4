"""Watches this host's load, memory, swap, processors, pressure, open files and processes.

Coming from Monit: `check system`; Icinga: `load`, `mem`, `swap`, `uptime`; Telegraf: `cpu`, `mem`,
`swap`, `system`, `processes`, `kernel`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from attrs import evolve, field, frozen

from checks._common.durations import long_span
from checks._common.event_types import event_type_field
from checks._common.limits import limit_field
from checks._common.plurals import times
from checks._common.sizes import size
from checks._common.validators import is_not_negative, up_to
from checks._kernel.vitals import Vitals, kills_since, read
from supervisor.api import (
    CheckFailed,
    Condition,
    Context,
    Duration,
    Json,
    Limit,
    Measurement,
    Observation,
    Report,
    lower_limit,
    probe,
    upper_limit,
)

LIMITED_FILES = {
    "max_cpu_pressure": "pressure/cpu",
    "max_memory_pressure": "pressure/memory",
    "max_io_pressure": "pressure/io",
    "max_open_files_percent": "sys/fs/file-nr",
}
"""The limits on values that not every host tells, and their files below /proc."""


IS_PERCENTAGE = up_to(100, "a percentage")
"""Refuses what is not a part of 100."""


@frozen
class Params:
    """The limits. One that is left out raises nothing. All values are measured in any case."""

    max_load_per_core: Limit[float] | None = limit_field(
        upper_limit, "fires when the load of 5 minutes per core is more", is_not_negative
    )
    max_cpu_percent: Limit[float] | None = limit_field(
        upper_limit,
        "fires when the processors were busier on average since the last run",
        IS_PERCENTAGE,
    )
    min_memory_percent: Limit[float] | None = limit_field(
        lower_limit, "fires when a smaller part of the memory is available", IS_PERCENTAGE
    )
    max_swap_percent: Limit[float] | None = limit_field(
        upper_limit, "fires when more of the swap space is used", IS_PERCENTAGE
    )
    max_cpu_pressure: Limit[float] | None = limit_field(
        upper_limit, "fires when tasks wait more for a processor (PSI, some avg60)", IS_PERCENTAGE
    )
    max_memory_pressure: Limit[float] | None = limit_field(
        upper_limit, "fires when tasks wait more for memory (PSI, some avg60)", IS_PERCENTAGE
    )
    max_io_pressure: Limit[float] | None = limit_field(
        upper_limit, "fires when tasks wait more for disks (PSI, some avg60)", IS_PERCENTAGE
    )
    max_open_files_percent: Limit[float] | None = limit_field(
        upper_limit, "fires when more of the kernel's open files are in use", IS_PERCENTAGE
    )
    max_processes: Limit[int] | None = limit_field(
        upper_limit, "fires with more processes", is_not_negative
    )
    max_zombies: Limit[int] | None = limit_field(
        upper_limit, "fires with more zombies", is_not_negative
    )
    min_uptime: Limit[Duration] | None = limit_field(
        lower_limit, "fires for this long after each start of the host"
    )
    oom_kills: bool = field(
        default=True,
        metadata={"help": "reports when the kernel killed a process for lack of memory"},
    )
    event_type: str = event_type_field("W", "of all conditions and reports")


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return a condition for each limit that is passed, and all values as measurements."""
    try:
        vitals = await probe("read of the host's vitals", lambda: read(context.state))
    except (OSError, ValueError) as error:
        raise CheckFailed(f"cannot read how the host is doing: {error}") from error
    kills = kills_since(context.state, vitals)
    context.state.clear()
    context.state.update(_state(vitals))
    observed: list[Observation] = [
        *(evolve(item, limits=tuple(_limits(params, vitals, item))) for item in _measured(vitals)),
        *_conditions(params, vitals),
        *_unreadable(params, vitals),
    ]
    if params.oom_kills and kills:
        message = (
            f"the kernel has killed a process for lack of memory {times(kills)} since the last run"
        )
        observed.append(Report("Out of memory", message, event_type=params.event_type))
    return observed


def _state(vitals: Vitals) -> dict[str, Json]:
    """Return what the next run needs."""
    return {
        "boot": vitals.boot,
        "oom_kills": vitals.oom_kills,
        "cpu": [vitals.ticks.busy, vitals.ticks.idle, vitals.ticks.waiting, vitals.ticks.stolen],
    }


def _conditions(params: Params, vitals: Vitals) -> Iterator[Condition]:
    above, below = partial(_judged, params, 1), partial(_judged, params, -1)
    cores = os.cpu_count() or 1
    per_core = vitals.load[1] / cores
    found = [
        above("Load", per_core, params.max_load_per_core, f"the load per core is {per_core:.2f}"),
        above(
            "CPU usage",
            vitals.cpu_percent,
            params.max_cpu_percent,
            f"the processors are {vitals.cpu_percent:.0f} % busy",
        ),
        below(
            "Memory",
            vitals.memory_percent,
            params.min_memory_percent,
            f"{vitals.memory_percent:.0f} % of the memory is available, "
            f"{size(vitals.memory.available)} of {size(vitals.memory.total)}",
        ),
        above(
            "Swap usage",
            vitals.memory.swap_percent,
            params.max_swap_percent,
            f"{vitals.memory.swap_percent} % of the swap space is used",
        ),
        *_pressure(params, vitals),
        above(
            "Open files",
            vitals.open_files_percent,
            params.max_open_files_percent,
            f"{vitals.open_files:,} files are open, {vitals.open_files_percent:.0f} % of the limit",
        )
        if vitals.open_files is not None and vitals.open_files_percent is not None
        else None,
        above(
            "Processes",
            vitals.processes,
            params.max_processes,
            f"there are {vitals.processes:,} processes",
        ),
        above(
            "Zombies", vitals.zombies, params.max_zombies, f"there are {vitals.zombies:,} zombies"
        ),
        below(
            "Host started",
            vitals.uptime,
            params.min_uptime,
            f"the host has been up for {long_span(vitals.uptime)} only",
        ),
    ]
    yield from filter(None, found)


def _pressure(params: Params, vitals: Vitals) -> Iterator[Condition | None]:
    for kind, limit in (
        ("cpu", params.max_cpu_pressure),
        ("memory", params.max_memory_pressure),
        ("io", params.max_io_pressure),
    ):
        value = vitals.pressure.get(kind)
        if value is not None:
            message = f"tasks wait for {kind} {value:.1f} % of the time"
            yield _judged(params, 1, "Pressure", value, limit, message, instance=kind)


def _unreadable(params: Params, vitals: Vitals) -> Iterator[Condition]:
    """Yield a condition for each limit on a value that this host does not tell."""
    for limit, file in LIMITED_FILES.items():
        if getattr(params, limit) is not None and file in vitals.unreadable:
            why = vitals.unreadable[file]
            message = f"cannot judge {limit}: cannot read /proc/{file}: {why}"
            yield Condition("Value unreadable", "E", limit, message)


def _judged(
    params: Params,
    sign: int,
    alertname: str,
    value: float,
    limit: Limit[Any] | None,
    message: str,
    instance: str = "",
) -> Condition | None:
    """Return the condition of a value that is above its limit, or below it with a sign of -1."""
    if limit is None:
        return None
    judge = limit.above if sign > 0 else limit.below
    crossing = judge(value, params.event_type)
    text = f"{message} (limit {limit.words()})"
    return crossing.condition(alertname, instance, text) if crossing else None


def _limits(params: Params, vitals: Vitals, item: Measurement) -> Iterator[float]:
    """Yield the limits of a value, to be shown beside it."""
    kind, is_load_of_5 = item.labels.get("kind", ""), item.labels.get("minutes") == "5"
    limit: Limit[Any] | None = {
        "load": params.max_load_per_core if is_load_of_5 else None,
        "cpu_busy_percent": params.max_cpu_percent,
        "memory_available_bytes": params.min_memory_percent,
        "processes": params.max_processes,
        "zombies": params.max_zombies,
        "uptime_seconds": params.min_uptime,
        "pressure_percent": {
            "cpu": params.max_cpu_pressure,
            "memory": params.max_memory_pressure,
            "io": params.max_io_pressure,
        }.get(kind),
    }.get(item.name)
    if limit is None:
        return
    for number in limit.numbers:
        match item.name:
            case "load":  # the limit is for one core
                yield number * (os.cpu_count() or 1)
            case "memory_available_bytes":
                yield number / 100 * vitals.memory.total
            case _:
                yield number


def _measured(vitals: Vitals) -> Iterator[Measurement]:
    for minutes, value in zip((1, 5, 15), vitals.load, strict=True):
        yield Measurement("load", value, labels={"minutes": str(minutes)})
    yield Measurement("cpu_busy_percent", round(vitals.cpu_percent, 1), "%")
    yield Measurement("memory_available_bytes", vitals.memory.available, "B")
    yield Measurement("memory_total_bytes", vitals.memory.total, "B")
    yield Measurement("swap_used_bytes", vitals.memory.swap - vitals.memory.swap_free, "B")
    if vitals.open_files is not None:
        yield Measurement("open_files", vitals.open_files)
    yield Measurement("processes", vitals.processes)
    yield Measurement("zombies", vitals.zombies)
    yield Measurement("uptime_seconds", round(vitals.uptime), "s")
    if vitals.oom_kills is not None:
        yield Measurement("oom_kills", vitals.oom_kills)
    for kind, value in vitals.pressure.items():
        yield Measurement("pressure_percent", value, "%", {"kind": kind})
