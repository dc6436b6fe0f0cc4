"""Print a day's timetable as text, JSON or SVG."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.cells import cell_len

from supervisor.schedule.plan import WIDEST, Plan, cut, in_words, summary, title
from supervisor.text import printable

RIGHT = (False, False, False, True, False, False)
"""Which columns of the table are aligned to the right: the numbers."""


def as_json(made: Plan) -> dict[str, Any]:
    """Return the plan in the contract's shape; times as RFC 3339 with the zone's offset."""
    zone = made.service.timezone
    return {
        "service": made.service.service,
        "date": made.day.date.isoformat(),
        "timezone": zone.key,
        "runs": [{"at": _rfc3339(run.at, zone), "module": run.module} for run in made.runs],
        "peak": {
            "at": None if made.peak_at is None else _rfc3339(made.peak_at, zone),
            "runs": made.peak_runs,
        },
    }


def as_text(made: Plan) -> str:
    """Return a table for people: a line for each module, then the busiest minute."""
    day = made.day
    rows = [("MODULE", "CHECK", "SCHEDULE", "RUNS", "FIRST", "LAST")]
    total = 0
    for module in made.service.modules:
        ticks = made.ticks(module)
        total += len(ticks)
        span = (day.clock(ticks[0]), day.clock(ticks[-1])) if ticks else ("-", "-")
        rows.append((module.name, module.check, in_words(module), str(len(ticks)), *span))
    head = "\n".join(filter(None, (title(made), day.oddity())))
    return f"{head}\n\n{_aligned(rows)}\n\n{summary(made, total)}"


def _rfc3339(moment: float, zone: ZoneInfo) -> str:
    at = datetime.fromtimestamp(round(moment, 3), zone)
    return at.isoformat(timespec="milliseconds" if at.microsecond else "seconds")


def _aligned(rows: Iterable[tuple[str, ...]]) -> str:
    shown = [[cut(printable(cell), WIDEST) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*shown, strict=True)]
    return "\n".join("  ".join(map(_padded, row, widths, RIGHT)).rstrip() for row in shown)


def _padded(cell: str, width: int, right: bool) -> str:
    spaces = " " * (width - cell_len(cell))
    return spaces + cell if right else cell + spaces
