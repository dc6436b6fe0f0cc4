"""What the daily report shows, worded and bounded; `daily.html` lays it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from attrs import frozen

from checks._common.durations import MINUTE, long_span
from checks._common.event_types import CHANNELS
from checks._common.printable import shown
from checks._common.sizes import size
from checks._reports.daily_readings import Filesystem, Readings, Top
from checks._reports.period import Activity, Period, Resolved
from checks._reports.theme import AMBER, BLUE, GREEN, RED
from supervisor.api import AlertView, Context

COLOURS = {"W": AMBER, **dict.fromkeys(CHANNELS, BLUE)}
"""The colours of event types. Every other type is red: an unknown one must not look harmless."""

MOST_ALERTS = 30
MOST_RESOLVED = 20
MOST_FILESYSTEMS = 20
MOST_MODULES = 30
"""Rows of each table: even with the longest of names the page stays below 256 KiB."""

LONGEST_NAME = 80
LONGEST_MESSAGE = 160

T = TypeVar("T")
R = TypeVar("R")


@frozen
class Gauge:
    """A value with a name and, when `percent` is known, a bar."""

    name: str
    value: str
    note: str = ""
    percent: int | None = None
    colour: str = BLUE


@frozen
class AlertRow:
    """An alert that fires or did."""

    event_type: str
    alertname: str
    instance: str
    message: str
    note: str
    colour: str


@frozen
class ModuleRow:
    """What a module did."""

    module: str
    note: str
    runs: str
    failures: str
    skipped: str
    emphasis: str


@frozen
class ProcessRow:
    """A process and how much it uses."""

    title: str
    pid: int
    value: str


@frozen
class Table:
    """The first rows of a table, and how many others there are."""

    rows: tuple[object, ...]
    others: int = 0
    heading: str = ""
    note: str = ""


def page(context: Context, now: datetime, readings: Readings, period: Period) -> dict[str, object]:
    """Return the values of the template; times are shown in the zone of `now`."""
    return {
        "verdict": verdict(period),
        "colour": gravity(period),
        "subject": f"{shown(context.service, LONGEST_NAME)} on {shown(context.host, LONGEST_NAME)}",
        "time": f"{now:%A} {now.day} {now:%B %Y, %H:%M %Z}",
        "firing": table(period.firing, MOST_ALERTS, lambda alert: firing_row(alert, now)),
        "resolved": table(
            period.resolved,
            MOST_RESOLVED,
            lambda alert: resolved_row(alert, now),
            note=f"since {moment(period.since, now)}" if period.since else "",
        ),
        "gauges": gauges(readings),
        "filesystems": table(readings.filesystems, MOST_FILESYSTEMS, filesystem_gauge),
        "tops": [*tops(readings)],
        "modules": table(
            sorted(period.activities, key=lambda activity: (-activity.failures, activity.module)),
            MOST_MODULES,
            module_row,
            note=activity_note(period, now),
        ),
        "footer": footer(readings, period, now),
    }


def summary(readings: Readings, period: Period) -> str:
    """Return the report in one line."""
    names = [shown(alert.alertname, LONGEST_NAME) for alert in period.firing]
    shown_names = list(dict.fromkeys(names))[:3]
    parts = [
        verdict(period) + (f" ({', '.join(shown_names)})" if shown_names else ""),
        f"up {long_span(readings.uptime)}",
        f"load {readings.load[0]:.2f} on {processors(readings)}",
        f"memory {readings.memory.percent} % used",
    ]
    full = [(one.space.percent, one.mount_point) for one in readings.filesystems if one.space]
    if full:
        percent, mount_point = max(full)
        parts.append(f"fullest filesystem {shown(mount_point, LONGEST_NAME)} {percent} %")
    return ", ".join(parts)


def verdict(period: Period) -> str:
    """Return the report in a few words."""
    count = len(period.firing)
    return f"{counted(count, 'alert')} firing" if count else "All well"


def gravity(period: Period) -> str:
    """Return the colour of the gravest alert that fires."""
    colours = {colour_of(alert) for alert in period.firing}
    return next((colour for colour in (RED, AMBER) if colour in colours), GREEN)


def colour_of(alert: AlertView) -> str:
    """Return the colour that an alert is marked with."""
    return COLOURS.get(alert.event_type, RED)


def table(
    items: Sequence[T], most: int, row: Callable[[T], R], heading: str = "", note: str = ""
) -> Table:
    """Return the first items as rows."""
    return Table(tuple(map(row, items[:most])), max(len(items) - most, 0), heading, note)


def moment(when: datetime, now: datetime) -> str:
    """Return a time for people: "08:41", with its date unless that is today's."""
    local = when.astimezone(now.tzinfo)
    if local.date() == now.date():
        return f"{local:%H:%M}"
    year = "" if local.year == now.year else f" {local.year}"
    return f"{local.day} {local:%B}{year}, {local:%H:%M}"


def firing_row(alert: AlertView, now: datetime) -> AlertRow:
    """Return the row of an alert that fires."""
    return _alert_row(alert, f"since {moment(alert.starts_at, now)}", alert.message)


def resolved_row(resolved: Resolved, now: datetime) -> AlertRow:
    """Return the row of an alert that fires no more."""
    alert = resolved.alert
    note = f"from {moment(alert.starts_at, now)}"
    if alert.ends_at is not None:
        note += f" to {moment(alert.ends_at, now)}"
    if resolved.times > 1:
        note += f", for the {ordinal(resolved.times)} time"
    return _alert_row(alert, note, "")


def ordinal(number: int) -> str:
    """Return a number as an ordinal: "2nd"."""
    last = 0 if number % 100 in (11, 12, 13) else number % 10
    return f"{number}{({1: 'st', 2: 'nd', 3: 'rd'}).get(last, 'th')}"


def _alert_row(alert: AlertView, note: str, message: str) -> AlertRow:
    return AlertRow(
        event_type=shown(alert.event_type, 10),
        alertname=shown(alert.alertname, LONGEST_NAME),
        instance=shown(alert.instance, LONGEST_NAME),
        message=shown(message.replace("\n", " / "), LONGEST_MESSAGE),
        note=f"{note}, module {shown(alert.check, LONGEST_NAME)}",
        colour=colour_of(alert),
    )


def gauges(readings: Readings) -> list[Gauge]:
    """Return how the host itself is doing."""
    cpu, memory = readings.cpu, readings.memory
    busy = round(cpu.percent(cpu.busy))
    waiting, stolen = cpu.percent(cpu.waiting), cpu.percent(cpu.stolen)
    load = readings.load[0] / readings.processors
    swap = memory.swap_percent
    return [
        Gauge("Up for", long_span(readings.uptime)),
        _bar(
            "Load",
            " · ".join(f"{value:.2f}" for value in readings.load),
            f"of the last 1, 5 and 15 minutes, on {processors(readings)}",
            round(100 * load),
        ),
        _bar(
            "Processors",
            f"{busy} %",
            f"{waiting:.0f} % waiting for disks"
            + (f", {stolen:.0f} % taken by other guests" if stolen >= 1 else ""),
            busy,
        ),
        _bar(
            "Memory",
            f"{memory.percent} %",
            f"{size(memory.available)} of {size(memory.total)} available",
            memory.percent,
        ),
        _bar("Swap", f"{swap} %", f"{size(memory.swap_free)} of {size(memory.swap)} free", swap)
        if memory.swap
        else Gauge("Swap", "none"),
        Gauge(
            "TCP sessions",
            "unknown" if readings.sessions is None else f"{readings.sessions:,} established",
        ),
    ]


def processors(readings: Readings) -> str:
    """Return how many processors there are."""
    return counted(readings.processors, "processor")


def _bar(name: str, value: str, note: str, percent: int) -> Gauge:
    colour = RED if percent >= 95 else AMBER if percent >= 85 else BLUE
    return Gauge(name, value, note, min(max(percent, 0), 100), colour)


def filesystem_gauge(filesystem: Filesystem) -> Gauge:
    """Return how full a filesystem is."""
    name = shown(filesystem.mount_point, LONGEST_NAME)
    if filesystem.space is None:
        return Gauge(name, "does not respond", shown(filesystem.trouble, LONGEST_MESSAGE))
    note = filesystem.space.left
    if filesystem.inodes is not None:
        note += f", {filesystem.inodes.percent} % of the inodes used"
    return _bar(name, f"{filesystem.space.percent} %", note, filesystem.space.percent)


def tops(readings: Readings) -> list[Table]:
    """Return the tables of the greatest consumers."""
    note = "in one second, of one processor"
    found = [
        table(readings.by_cpu, len(readings.by_cpu), _cpu_row, "Busiest processes", note),
        table(readings.by_memory, len(readings.by_memory), _memory_row, "Largest processes"),
    ]
    return [each for each in found if each.rows]


def _cpu_row(top: Top) -> ProcessRow:
    return ProcessRow(top.title, top.consumer.process.pid, f"{top.consumer.cpu:.0f} %")


def _memory_row(top: Top) -> ProcessRow:
    return ProcessRow(top.title, top.consumer.process.pid, size(top.consumer.process.resident))


def module_row(activity: Activity) -> ModuleRow:
    """Return the row of a module; its failures stand out."""
    ended = {"failed": "last run failed", "timeout": "last run timed out"}
    return ModuleRow(
        shown(activity.module, LONGEST_NAME),
        ended.get(activity.last_result, ""),
        f"{activity.runs:,}",
        f"{activity.failures:,}",
        f"{activity.skipped:,}",
        f"color:{RED};font-weight:600" if activity.failures else "",
    )


def activity_note(period: Period, now: datetime) -> str:
    """Return what all modules did together."""
    runs = sum(activity.runs for activity in period.activities)
    failures = sum(activity.failures for activity in period.activities)
    said = f"{failures:,} of {runs:,} runs" if failures else f"none of {runs:,} runs"
    return f"{said} failed since {moment(period.counted_since, now)}"


def footer(readings: Readings, period: Period, now: datetime) -> str:
    """Return what the figures stand on."""
    age = readings.birth.age
    running = long_span(age) if age >= MINUTE else "less than a minute"
    last = f"The last report: {moment(period.since, now)}." if period.since else ""
    return f"The supervisor has been running for {running}. {last}".strip()
