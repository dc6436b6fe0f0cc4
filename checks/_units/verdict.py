"""Judges what a unit of systemd uses. Used by `systemd_unit`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from checks._common.limits import compared
from checks._common.plurals import counted
from checks._common.sizes import size
from checks._units.usage import UnitUsage
from checks._units.watched import WatchedUnit
from supervisor.api import Condition, Limit, Measurement, Observation

WARNING = "W"
"""The event type of what is beyond a limit that is a plain number."""


def observations(watched: WatchedUnit, usage: UnitUsage) -> Iterator[Observation]:
    """Yield what a unit uses, and a condition for each limit that it is beyond."""
    if watched.max_memory is not None and usage.memory is not None:
        yield _figure("unit_memory_bytes", watched, usage.memory, watched.max_memory, "B")
        cached = f", beside {size(usage.cache)} of files" if usage.cache else ""
        said = f"holds {size(usage.memory)} of memory{cached}"
        yield from _above("Unit memory", watched, usage.memory, watched.max_memory, said, size)
    if watched.max_cpu_percent is not None and usage.percent is not None:
        limit, percent = watched.max_cpu_percent, usage.percent
        yield _figure("unit_cpu_percent", watched, percent, limit, "%")
        said = f"used {percent:.0f} % of a processor since the last run"
        yield from _above("Unit CPU usage", watched, percent, limit, said, "{:g} %".format)
    if watched.max_tasks is not None and usage.tasks is not None:
        yield _figure("unit_tasks", watched, usage.tasks, watched.max_tasks)
        said = f"has {counted(usage.tasks, 'task')}"
        yield from _above("Unit tasks", watched, usage.tasks, watched.max_tasks, said)
    if lacking := [*unknown(watched, usage)]:
        keys = ", ".join(key for key, _ in lacking)
        settings = " ".join(f"{setting}=yes" for _, setting in lacking)
        message = (
            f"cannot judge {keys} of {watched.unit}: systemd does not know; it needs {settings}"
        )
        yield Condition("Value unreadable", "E", watched.unit, message)


def unknown(watched: WatchedUnit, usage: UnitUsage | None) -> Iterator[tuple[str, str]]:
    """Yield each limit on a figure that systemd does not know, with the setting that it needs.

    A unit without processes has no figures, and needs none.
    """
    if usage is None:
        return
    if watched.max_memory is not None and usage.memory is None:
        yield "max_memory", "MemoryAccounting"
    if watched.max_cpu_percent is not None and usage.nanoseconds is None:
        yield "max_cpu_percent", "CPUAccounting"
    if watched.max_tasks is not None and usage.tasks is None:
        yield "max_tasks", "TasksAccounting"


def _above(
    alertname: str,
    watched: WatchedUnit,
    value: float,
    limit: Limit[Any],
    said: str,
    show: Callable[[Any], str] = "{:,}".format,
) -> Iterator[Condition]:
    if crossing := limit.above(value, WARNING):
        message = f"{watched.unit} {said}{compared(', more than', limit, show)}"
        yield crossing.condition(alertname, watched.unit, message)


def _figure(
    measured: str, watched: WatchedUnit, value: float, limit: Limit[Any], unit: str = ""
) -> Measurement:
    return Measurement(measured, value, unit, {"unit": watched.unit}, limits=limit.numbers)
