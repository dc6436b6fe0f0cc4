"""What the PNR report shows, worded and bounded; `pnr_report.html` lays it out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from attrs import field, frozen

from checks._common.plurals import counted
from checks._common.printable import shown
from checks._reports.theme import AMBER, BLUE, GREEN, RED
from checks._reports.window import Window
from checks._reports.wording import day
from supervisor.api import Context

LONGEST_NAME = 40
MOST_ROWS = 100
"""Airlines in all tables together, so that the page stays below 256 KiB."""
LEAST_ROWS = 10
MOST_PROCESSES = 6
LONGEST_PROCESS = 30


@frozen
class Tally:
    """The messages of one database by airline and process, and by airline the day before."""

    title: str
    messages: Mapping[str, Mapping[str, int]]
    before: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(sum(processes.values()) for processes in self.messages.values())

    @property
    def total_before(self) -> int:
        return sum(self.before.values())


@frozen
class Airline:
    """What the monitoring database knows of an airline."""

    name: str = ""
    last_message: datetime | None = None


@frozen
class Row:
    """An airline in the table."""

    code: str
    name: str
    note: str
    count: str
    before: str
    percent: int
    emphasis: str


@frozen
class Section:
    """The table of one database."""

    heading: str
    note: str
    rows: Sequence[Row]
    others: int = 0


@frozen
class Findings:
    """All that a report tells."""

    window: Window
    tallies: Sequence[Tally]
    airlines: Mapping[str, Airline] = field(factory=dict)
    processes: Mapping[str, str] = field(factory=dict)

    @property
    def total(self) -> int:
        return sum(tally.total for tally in self.tallies)

    @property
    def total_before(self) -> int:
        return sum(tally.total_before for tally in self.tallies)


def page(context: Context, findings: Findings) -> dict[str, object]:
    """Return the values of the template."""
    return {
        "colour": GREEN if findings.total else AMBER,
        "title": f"{messages(findings.total)}, {change(findings.total, findings.total_before)}",
        "subject": f"{shown(context.service, LONGEST_NAME)} on {shown(context.host, LONGEST_NAME)}",
        "time": span(findings.window),
        "sections": [section(findings, tally) for tally in findings.tallies],
        "bar_colour": BLUE,
        "footer": f"Compared with {span(findings.window.day_before)}.",
    }


def summary(findings: Findings) -> str:
    """Return the report in one line."""
    total: Counter[str] = Counter()
    for tally in findings.tallies:
        total.update({code: sum(each.values()) for code, each in tally.messages.items()})
    first = ", ".join(f"{shown(code, 20)} {count:,}" for code, count in ranked(total)[:5] if count)
    text = (
        f"{messages(findings.total)}, {change(findings.total, findings.total_before)}, "
        f"{span(findings.window)}"
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
    """Return names with their numbers, the greatest first."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def section(findings: Findings, tally: Tally) -> Section:
    """Return the table of one database: each airline that sent something now or the day before."""
    counts = {code: sum(each.values()) for code, each in tally.messages.items()}
    order = ranked({**dict.fromkeys(tally.before, 0), **counts})
    most = max(LEAST_ROWS, MOST_ROWS // len(findings.tallies))
    greatest = max(counts.values(), default=0)
    rows = [
        _row(findings, tally, code, round(100 * count / greatest) if greatest else 0)
        for code, count in order[:most]
    ]
    note = f"{messages(tally.total)}, {change(tally.total, tally.total_before)}"
    return Section(shown(tally.title, LONGEST_NAME), note, rows, max(len(order) - most, 0))


def _row(findings: Findings, tally: Tally, code: str, percent: int) -> Row:
    processes = tally.messages.get(code, {})
    count, before = sum(processes.values()), tally.before.get(code, 0)
    airline = findings.airlines.get(code, Airline())
    return Row(
        code=shown(code, 20),
        name=shown(airline.name, LONGEST_NAME),
        note=", ".join(_notes(findings, processes, airline.last_message)),
        count=f"{count:,}",
        before=f"{before:,}",
        percent=max(percent, 1) if count else 0,
        emphasis="" if count else f"color:{RED};font-weight:600",
    )


def _notes(
    findings: Findings, processes: Mapping[str, int], last: datetime | None
) -> Iterable[str]:
    for process, count in ranked(processes)[:MOST_PROCESSES]:
        name = findings.processes.get(process) or process or "no process"
        yield f"{shown(name, LONGEST_PROCESS)} {count:,}"
    if (others := len(processes) - MOST_PROCESSES) > 0:
        yield f"{others} more processes"
    if last is not None:
        yield f"last message {last:%Y-%m-%d %H:%M}"
