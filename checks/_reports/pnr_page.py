"""What the PNR report shows. `pnr_report.html` lays it out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from attrs import field, frozen

from checks._common.plurals import counted
from checks._common.printable import shown
from checks._reports.theme import AMBER, BLUE, EMPHASIS, GREEN
from checks._reports.window import Window
from checks._reports.wording import day
from supervisor.api import Context

MAX_NAME = 40
"""The most characters of a name."""

MAX_CODE = 20
"""The most characters of an airline's code."""

MAX_ROWS = 100
"""The most airlines in all tables together. With it the page stays below 256 KiB."""

MIN_ROWS = 10
"""Each table may have this many airlines, even with many databases."""

MAX_PROCESSES = 6
"""The most processes that an airline's row names."""

MAX_PROCESS_NAME = 30
"""The most characters of a process's name."""

MAX_SUMMARY_AIRLINES = 5
"""The most airlines that the summary names."""


@frozen
class Tally:
    """The messages of one database."""

    title: str

    messages: Mapping[str, Mapping[str, int]]
    """The messages of each airline, by process."""

    before: Mapping[str, int]
    """The messages of each airline at the same time of the day before."""

    @property
    def total(self) -> int:
        return sum(sum(processes.values()) for processes in self.messages.values())

    @property
    def total_before(self) -> int:
        return sum(self.before.values())


@frozen
class Airline:
    """What the monitoring database knows about an airline."""

    name: str = ""
    last_message: datetime | None = None


@frozen
class AirlineRow:
    """An airline in the table."""

    code: str
    name: str
    note: str
    count: str
    before: str

    percent: int
    """The length of its bar."""

    emphasis: str
    """The style of its count."""


@frozen
class AirlineTable:
    """The table of one database."""

    heading: str
    note: str
    rows: Sequence[AirlineRow]
    others: int = 0


@frozen
class PnrFigures:
    """The figures of one report."""

    window: Window
    tallies: Sequence[Tally]

    airlines: Mapping[str, Airline] = field(factory=dict)
    """The airlines by code."""

    processes: Mapping[str, str] = field(factory=dict)
    """The readable names of processes."""

    @property
    def total(self) -> int:
        return sum(tally.total for tally in self.tallies)

    @property
    def total_before(self) -> int:
        return sum(tally.total_before for tally in self.tallies)


def page(context: Context, figures: PnrFigures) -> dict[str, object]:
    """Return the values of the template."""
    return {
        "colour": GREEN if figures.total else AMBER,
        "title": f"{messages(figures.total)}, {change(figures.total, figures.total_before)}",
        "subject": f"{shown(context.service, MAX_NAME)} on {shown(context.host, MAX_NAME)}",
        "time": span(figures.window),
        "sections": [section(figures, tally) for tally in figures.tallies],
        "bar_colour": BLUE,
        "footer": f"Compared with {span(figures.window.day_before)}.",
    }


def summary(figures: PnrFigures) -> str:
    """Return the report in one line."""
    total: Counter[str] = Counter()
    for tally in figures.tallies:
        total.update({code: sum(each.values()) for code, each in tally.messages.items()})
    first = ", ".join(
        f"{shown(code, MAX_CODE)} {count:,}"
        for code, count in ranked(total)[:MAX_SUMMARY_AIRLINES]
        if count
    )
    text = (
        f"{messages(figures.total)}, {change(figures.total, figures.total_before)}, "
        f"{span(figures.window)}"
    )
    return f"{text}: {first}" if first else text


def messages(number: int) -> str:
    """Return a number of messages in words."""
    return counted(number, "message") if number else "No messages"


def change(now: int, before: int) -> str:
    """Return how a number compares with that of the day before."""
    if now == before:
        return "as many as the day before"
    if not before:
        return "none the day before"
    compared = "more" if now > before else "fewer"
    percent = round(100 * abs(now - before) / before)
    return f"{f'{percent:,}' if percent else 'less than 1'} % {compared} than the day before"


def span(window: Window) -> str:
    """Return a window for people: "Monday 23 November 2026, 08:00 to 18:00 KST"."""
    since, until = window.since, window.until
    if since.date() == until.date():
        return f"{day(since)}, {since:%H:%M} to {until:%H:%M %Z}"
    return f"{day(since)}, {since:%H:%M} to {day(until)}, {until:%H:%M %Z}"


def ranked(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return names with their numbers, the largest number first."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def section(figures: PnrFigures, tally: Tally) -> AirlineTable:
    """Return the table of one database.

    It has a row for each airline with messages in the window or on the day before.
    """
    counts = {code: sum(each.values()) for code, each in tally.messages.items()}
    order = ranked({**dict.fromkeys(tally.before, 0), **counts})
    most = max(MIN_ROWS, MAX_ROWS // len(figures.tallies))
    greatest = max(counts.values(), default=0)
    rows = [
        _row(figures, tally, code, round(100 * count / greatest) if greatest else 0)
        for code, count in order[:most]
    ]
    note = f"{messages(tally.total)}, {change(tally.total, tally.total_before)}"
    return AirlineTable(shown(tally.title, MAX_NAME), note, rows, max(len(order) - most, 0))


def _row(figures: PnrFigures, tally: Tally, code: str, percent: int) -> AirlineRow:
    processes = tally.messages.get(code, {})
    count, before = sum(processes.values()), tally.before.get(code, 0)
    airline = figures.airlines.get(code, Airline())
    return AirlineRow(
        code=shown(code, MAX_CODE),
        name=shown(airline.name, MAX_NAME),
        note=", ".join(_notes(figures, processes, airline.last_message)),
        count=f"{count:,}",
        before=f"{before:,}",
        percent=max(percent, 1) if count else 0,
        emphasis="" if count else EMPHASIS,
    )


def _notes(
    figures: PnrFigures, processes: Mapping[str, int], last: datetime | None
) -> Iterable[str]:
    for process, count in ranked(processes)[:MAX_PROCESSES]:
        name = figures.processes.get(process) or process or "no process"
        yield f"{shown(name, MAX_PROCESS_NAME)} {count:,}"
    if (others := len(processes) - MAX_PROCESSES) > 0:
        yield f"{others} more processes"
    if last is not None:
        yield f"last message {last:%Y-%m-%d %H:%M}"
