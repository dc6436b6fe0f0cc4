"""The timetable of one local day as a picture: SVG, a row for each module, an axis of hours.

The picture is self-contained. It is light or dark, as the viewer prefers. It is ASCII, so that
every terminal and pipe leaves it as it is. Pure: the same plan gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
from attrs import frozen

from supervisor.config.service import Module
from supervisor.schedule.local_day import LocalDay
from supervisor.schedule.plan import (
    Plan,
    cut,
    holidays,
    in_words,
    others_words,
    summary,
    title,
    window_words,
)
from supervisor.text import counted, printable

if TYPE_CHECKING:
    from supervisor.schedule.windows import Window

WIDTH = 1200
"""Width of the picture, in pixels as all lengths here."""

TOP = 112
"""Where the first row begins."""

ROW_HEIGHT = 22
"""Height of one row."""

LEFT = 222
"""Where the day begins."""

RIGHT = 946
"""Where the day ends."""

COUNT_X = 1004
"""Where the column with the number of runs ends."""

SCHEDULE_X = 1018
"""Where the column with the schedule begins."""

NAME_CELLS = 27
"""Letters of equal width that fit into the column of names."""

SCHEDULE_CELLS = 23
"""Letters of equal width that fit into the column of schedules."""

TITLE_CELLS = 100
"""Letters of the title at most."""

TOOLTIP_CELLS = 300
"""Letters of a tooltip at most."""

PEAK_WORDS_MARGIN = 60
"""The words at the peak are centred at least this far from both ends of the day."""

TICK = 2.6
"""Width of one run."""

GAP = 1.4
"""Runs with a smaller gap are drawn as one band: readers could not tell them apart."""

_template = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
).get_template("plan.svg.j2")


@frozen
class Mark:
    """A tick or, where runs lie close together, a band: from the first run to the last."""

    first: float
    last: float


@frozen
class Hour:
    """A line of the axis, and what is written at both of its ends."""

    x: float
    name: str


@frozen
class Peak:
    """The mark of the busiest minute. `words_x` is the middle of its words."""

    x: float
    words_x: float
    words: str


@frozen
class Row:
    """A module's row. `outline` is the SVG path of its marks; empty without runs."""

    name: str
    schedule: str
    tooltip: str
    enabled: bool
    runs: int
    outline: str
    left_out: str
    """The path of what a calendar leaves out; empty without that."""


@frozen
class Band:
    """A maintenance window across the rows of the modules that it holds. Its end settles."""

    x: float
    width: float
    settled_width: float
    """The width with the time to settle."""
    rows: tuple[int, ...]
    """The numbers of these rows."""
    tooltip: str


def picture(made: Plan) -> str:
    """Return the day as an SVG document, a few KB for each module however often it runs."""
    day, modules = made.day, made.service.modules
    rows = [_row(made, module) for module in modules]
    found = f"{counted(len(rows), 'module')}, {summary(made, sum(row.runs for row in rows))}"
    change = day.change()
    drawn = _template.render(
        width=WIDTH,
        top=TOP,
        row_height=ROW_HEIGHT,
        bottom=TOP + ROW_HEIGHT * len(rows),
        count_x=COUNT_X,
        schedule_x=SCHEDULE_X,
        title=_shown(title(made), TITLE_CELLS),
        words=". ".join(filter(None, (found, day.oddity(), holidays(made.left_out.values())))),
        hours=_hours(day),
        change_x=None if change is None else _x(day, change),
        bands=[_band(made, window) for window in made.windows],
        peak=_peak(made),
        rows=rows,
    )
    return drawn.encode("ascii", "xmlcharrefreplace").decode("ascii") + "\n"


def marks(ticks: Sequence[float], reach: float) -> Iterator[Mark]:
    """Yield what is drawn of sorted runs: those less than `reach` seconds apart are one mark."""
    if not ticks:
        return
    first = last = ticks[0]
    for tick in ticks:
        if tick - last >= reach:
            yield Mark(first, last)
            first = tick
        last = tick
    yield Mark(first, last)


def _row(made: Plan, module: Module) -> Row:
    day, ticks, missing = made.day, made.ticks(module), made.left_out.get(module.name)
    schedule = in_words(module)
    tooltip = f"{module.name}: {module.check}, {schedule}"
    if ticks:
        tooltip += (
            f"; {counted(len(ticks), 'run')} from {day.clock(ticks[0])} to {day.clock(ticks[-1])}"
        )
    if missing:
        tooltip += f"; {counted(len(missing.at), 'time')} left out: {missing.holiday}"
    for other in made.others:
        if other.module == module.name:
            tooltip += f"; {others_words(other, day)}"
    return Row(
        name=_shown(module.name, NAME_CELLS),
        schedule=_shown(schedule, SCHEDULE_CELLS),
        tooltip=_shown(tooltip, TOOLTIP_CELLS),
        enabled=module.enabled,
        runs=len(ticks),
        outline=_path(day, ticks),
        left_out=_path(day, missing.at if missing else ()),
    )


def _band(made: Plan, window: Window) -> Band:
    day = made.day
    first = max(window.start, day.start)
    ends = (min(max(end, first), day.end) for end in (window.end, window.settled))
    width, settled_width = ((end - first) * _scale(day) for end in ends)
    return Band(
        x=_x(day, first),
        width=width,
        settled_width=settled_width,
        rows=tuple(
            number
            for number, module in enumerate(made.service.modules)
            if window.holds(module.name)
        ),
        tooltip=_shown(window_words(window, day), TOOLTIP_CELLS),
    )


def _path(day: LocalDay, ticks: Sequence[float]) -> str:
    return "".join(_outline(day, mark) for mark in marks(ticks, (TICK + GAP) / _scale(day)))


def _outline(day: LocalDay, mark: Mark) -> str:
    left = _x(day, mark.first) - TICK / 2
    width = (mark.last - mark.first) * _scale(day) + TICK
    top, height = (4, 14) if mark.first == mark.last else (7, 8)
    return f"M{left:.1f} {top}h{width:.1f}v{height}h-{width:.1f}z"


def _hours(day: LocalDay) -> list[Hour]:
    """Return each hour that the clocks show, and the end of the day."""
    hours = [Hour(_x(day, moment), f"{hour:02}") for moment, hour in day.whole_hours()]
    return [*hours, Hour(_x(day, day.end), "24")]


def _peak(made: Plan) -> Peak | None:
    if made.peak_at is None:
        return None
    x = _x(made.day, made.peak_at)
    words = f"peak {made.day.clock(made.peak_at)[:5]}: {counted(made.peak_runs, 'run')}"
    # The words stay between the columns.
    words_x = min(max(x, LEFT + PEAK_WORDS_MARGIN), RIGHT - PEAK_WORDS_MARGIN)
    return Peak(x, words_x, words)


def _scale(day: LocalDay) -> float:
    """Return pixels for a second. A day that the zone skips has a length of 0."""
    return (RIGHT - LEFT) / max(day.length, 1)


def _x(day: LocalDay, moment: float) -> float:
    return LEFT + (moment - day.start) * _scale(day)


def _shown(text: str, cells: int) -> str:
    """Return text in one line, cut to the room that it has."""
    return cut(printable(text), cells)
