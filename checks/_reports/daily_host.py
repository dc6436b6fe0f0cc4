"""The host in the daily report: its gauges, filesystems and greatest processes."""

from __future__ import annotations

from attrs import frozen

from checks._common.durations import long_span
from checks._common.plurals import counted
from checks._common.printable import shown
from checks._common.sizes import size
from checks._devices.md_arrays import Array
from checks._reports.daily_readings import FilesystemReading, Readings, TopProcess
from checks._reports.short_table import ShortTable, short_table
from checks._reports.theme import AMBER, BLUE, RED
from checks._reports.wording import MAX_MESSAGE, MAX_NAME

RED_FROM = 95
"""A bar is red from this percentage on."""

AMBER_FROM = 85
"""A bar is amber from this percentage on."""

MIN_STOLEN = 1
"""Percent of the processors' time that other guests took. Less is not shown."""


MAX_DEVICES = 10
"""The most bonds that are shown, and the most arrays."""


@frozen
class Gauge:
    """A value with a name. It has a bar when `percent` is known."""

    name: str
    value: str
    note: str = ""
    percent: int | None = None
    colour: str = BLUE


@frozen
class ProcessRow:
    """A process and how much it uses."""

    title: str
    pid: int
    value: str


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
            + (f", {stolen:.0f} % taken by other guests" if stolen >= MIN_STOLEN else ""),
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


def device_gauges(readings: Readings) -> list[Gauge]:
    """Return how many members bonds and RAID arrays have. A host without them has no gauges."""
    bonds = (
        _members(
            each.name,
            len(each.members) - len(each.lost_members),
            len(each.members),
            "; ".join(each.lost_members),
        )
        for each in readings.bonds[:MAX_DEVICES]
    )
    arrays = (
        _members(each.name, each.disks - each.degraded, each.disks, array_note(each))
        for each in readings.arrays[:MAX_DEVICES]
    )
    return [*bonds, *arrays]


def array_note(array: Array) -> str:
    """Return the level of an array, and what is wrong with it or done to it."""
    notes = [array.level, *(f"{shown(each)} has failed" for each in array.failed)]
    if array.is_stopped:
        notes.append(f"it is {array.state}")
    if array.progress is not None and array.progress.percent is not None:
        notes.append(f"{array.progress.action} {array.progress.percent:.0f} % done")
    return "; ".join(filter(None, notes))


def _members(name: str, good: int, expected: int, note: str) -> Gauge:
    percent = round(100 * max(good, 0) / expected) if expected else 0
    colour = BLUE if good >= expected else RED
    value = f"{good} of {counted(expected, 'member')}"
    text = shown(note, MAX_MESSAGE)
    return Gauge(shown(name, MAX_NAME), value, text, percent=percent, colour=colour)


def processors(readings: Readings) -> str:
    """Return how many processors there are."""
    return counted(readings.processors, "processor")


def filesystem_gauge(filesystem: FilesystemReading) -> Gauge:
    """Return how full a filesystem is."""
    name = shown(filesystem.mount_point, MAX_NAME)
    if filesystem.space is None:
        return Gauge(name, "does not respond", shown(filesystem.trouble, MAX_MESSAGE))
    note = filesystem.space.left
    if filesystem.inodes is not None:
        note += f", {filesystem.inodes.percent} % of the inodes used"
    value, percent = f"{filesystem.space.percent} %", filesystem.space.percent
    if filesystem.read_only:
        note = f"read-only, though it was mounted to be written to, {note}"
        return Gauge(name, value, note, percent=percent, colour=RED)
    return _bar(name, value, note, percent)


def _bar(name: str, value: str, note: str, percent: int) -> Gauge:
    colour = RED if percent >= RED_FROM else AMBER if percent >= AMBER_FROM else BLUE
    return Gauge(name, value, note, percent=min(max(percent, 0), 100), colour=colour)


def process_tables(readings: Readings) -> list[ShortTable]:
    """Return the tables of the greatest processes. A table without rows is left out."""
    note = "in one second, of one processor"
    by_cpu, by_memory = readings.by_cpu, readings.by_memory
    tables = [
        short_table(by_cpu, len(by_cpu), _cpu_row, "Busiest processes", note),
        short_table(by_memory, len(by_memory), _memory_row, "Largest processes"),
    ]
    return [table for table in tables if table.rows]


def _cpu_row(top: TopProcess) -> ProcessRow:
    return ProcessRow(top.title, top.consumer.process.pid, f"{top.consumer.cpu:.0f} %")


def _memory_row(top: TopProcess) -> ProcessRow:
    return ProcessRow(top.title, top.consumer.process.pid, size(top.consumer.process.resident))
