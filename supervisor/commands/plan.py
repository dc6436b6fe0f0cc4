"""The command `plan`: print a day's timetable as text, JSON or SVG."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.cells import cell_len

from supervisor.commands.options import load_service_file
from supervisor.config.calendars.calendar import Calendar
from supervisor.config.service import Service
from supervisor.modules.loader import load_check
from supervisor.schedule.left_out import LeftOut
from supervisor.schedule.local_day import LocalDay
from supervisor.schedule.plan import (
    MAX_CELL_WIDTH,
    Expected,
    Plan,
    cut,
    expected,
    holidays,
    in_words,
    others_words,
    plan,
    summary,
    title,
    window_words,
)
from supervisor.text import columns, counted, printable, rfc3339

MAX_TIMES = 5
"""Times of a module that are named when a calendar leaves them out."""

RUNS_COLUMN = 3
"""The column with the number of runs, which is aligned to the right."""


EXAMPLES = (
    ("plan --service Shop", "the timetable of today"),
    ("plan --service Shop --date 2026-03-29 --format svg", "a picture of another day"),
)
"""What `--help` shows: a command line, and what it does."""

EXIT_CODES = {
    0: "done",
    2: "the command line is wrong",
    78: "the service file is missing or wrong",
}
"""What `--help` says of the exit codes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "--date",
        metavar="YYYY-MM-DD",
        type=_date,
        help="the day; default: today in the service's zone",
    )
    parser.add_argument(
        "--format", choices=("text", "json", "svg"), default="text", help="default: text"
    )


def run(options: argparse.Namespace) -> int:
    """Print the timetable of one day in the service's zone."""
    service = load_service_file(options)
    made = plan(service, options.date or datetime.now(service.timezone).date())
    due = expected(made, _expectations(service))
    if options.format == "json":
        print(json.dumps(as_json(made, due), ensure_ascii=False, indent=2))
    elif options.format == "svg":
        from supervisor.schedule.plan_svg import picture  # the other formats need no drawing

        print(picture(made), end="")
    else:
        print(as_text(made, due))
    return 0


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a date; write for example 2026-03-29"
        ) from None


def _expectations(
    service: Service,
) -> Iterator[tuple[str, str, tuple[str, ...], tuple[Calendar, ...]]]:
    """Yield module, name, times and calendars of what enabled modules expect to happen."""
    for module in service.modules:
        expects = load_check(module.check).expects if module.enabled else None
        if expects is not None:
            for name, at, *calendars in expects(module.params):
                yield module.name, name, at, calendars[0] if calendars else ()


def as_json(made: Plan, due: Sequence[Expected] = ()) -> dict[str, Any]:
    """Return the plan as JSON. Times are RFC 3339 with the zone's offset."""
    zone = made.service.timezone
    expectations = [
        {"at": _local(moment, zone), "module": each.module, "name": each.name}
        for each in due
        for moment in each.at
    ]
    missing = [
        {
            "at": _local(moment, zone),
            "module": each.module,
            **({"name": each.name} if each.name else {}),
            "holiday": each.holiday,
            "calendar": each.calendar,
        }
        for each in _left_out(made, due)
        for moment in each.at
    ]
    windows = [
        {
            "name": window.maintenance.name,
            "start": _local(window.start, zone),
            "end": _local(window.end, zone),
            "settled": _local(window.settled, zone),
            "modules": list(window.maintenance.modules),
        }
        for window in made.windows
    ]
    others = [
        {
            "module": each.module,
            "start": _local(each.start, zone),
            "end": _local(each.end, zone),
            "changed": list(each.changed),
        }
        for each in made.others
    ]
    return {
        "service": made.service.service,
        "date": made.day.date.isoformat(),
        "timezone": zone.key,
        "runs": [{"at": _local(run.at, zone), "module": run.module} for run in made.runs],
        **({"expected": expectations} if expectations else {}),
        **({"left_out": missing} if missing else {}),
        **({"maintenance": windows} if windows else {}),
        **({"during": others} if others else {}),
        "peak": {
            "at": None if made.peak_at is None else _local(made.peak_at, zone),
            "runs": made.peak_runs,
        },
        "times": made.moments,
    }


def as_text(made: Plan, due: Sequence[Expected] = ()) -> str:
    """Return a table for people: a line for each module, then the number of runs and the peak.

    What is `due` by itself, such as jobs, has a table of its own.
    """
    day = made.day
    rows = [("MODULE", "CHECK", "SCHEDULE", "RUNS", "FIRST", "LAST")]
    total = 0
    for module in made.service.modules:
        ticks = made.ticks(module)
        total += len(ticks)
        span = (day.clock(ticks[0]), day.clock(ticks[-1])) if ticks else ("-", "-")
        rows.append((module.name, module.check, in_words(module), str(len(ticks)), *span))
    missing = _left_out(made, due)
    windows = (window_words(window, day) for window in made.windows)
    head = "\n".join(filter(None, (title(made), day.oddity(), holidays(missing), *windows)))
    text = f"{head}\n\n{_table(rows)}\n\n{summary(made, total)}"
    if missing:
        text += f"\n\nleft out: {'; '.join(_words(each, day) for each in missing)}"
    if made.others:
        lines = dict.fromkeys(f"  {others_words(each, day)}" for each in made.others)
        listed = "\n".join(lines)
        text += f"\n\nother parameters:\n{listed}"
    others = [
        (each.name, each.module, ", ".join(day.clock(moment)[:5] for moment in each.at) or "-")
        for each in due
    ]
    return f"{text}\n\n{_table([('JOB', 'MODULE', 'DUE'), *others])}" if others else text


def _left_out(made: Plan, due: Iterable[Expected]) -> list[LeftOut]:
    """Return what calendars leave out: runs, then what must happen by itself."""
    return [*made.left_out.values(), *(each.left_out for each in due if each.left_out)]


def _words(missing: LeftOut, day: LocalDay) -> str:
    """Return in words what a calendar leaves out: the first times of one module or job."""
    shown = [day.clock(moment)[:5] for moment in missing.at[:MAX_TIMES]]
    more = len(missing.at) - len(shown)
    times = ", ".join(shown) + (f" and {counted(more, 'more time')}" if more else "")
    return f"{printable(missing.name or missing.module)} at {times}"


def _local(moment: float, zone: ZoneInfo) -> str:
    """Return a time as RFC 3339, with a fraction only if there is one."""
    return rfc3339(moment, zone).replace(".000", "")


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    shown = [[cut(printable(cell), MAX_CELL_WIDTH) for cell in row] for row in rows]
    right = (RUNS_COLUMN,) if len(shown[0]) > RUNS_COLUMN else ()
    return "\n".join(columns(shown, right=right, width=cell_len))
