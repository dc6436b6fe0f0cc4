"""The timetable of one local day as a picture: SVG, a row for each module, an axis of hours.

Self-contained, light or dark as the viewer prefers, and in ASCII, so that any terminal or pipe
passes it on unharmed. Pure: the same plan gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from attrs import frozen

from supervisor.config.service import Module
from supervisor.schedule.local_day import LocalDay
from supervisor.schedule.plan import Plan, cut, in_words, summary, title
from supervisor.text import counted, printable

WIDTH = 1200
TOP = 112
ROW = 22
LEFT, RIGHT = 222, 946
"""Where the day begins and ends; in pixels, as all lengths here."""

COUNT, WORDS = 1004, 1018
NAME_CELLS, WORDS_CELLS, TITLE_CELLS, TOOLTIP_CELLS = 27, 23, 100, 300
"""How many letters of equal width there is room for."""

TICK = 2.6
"""The width of one run."""

GAP = 1.4
"""Runs with less between them are drawn as one band: more could not be told apart."""

STYLE = """\
text{font:12px ui-monospace,"DejaVu Sans Mono",monospace;fill:#1f2328}
.title{font:600 19px system-ui,sans-serif}.note{font:13px system-ui,sans-serif}
.head,.hour{font-size:11px}.hour,.peak{text-anchor:middle}.count{text-anchor:end}
.note,.head,.hour,.off{fill:#59636e}
.back{fill:#fff}.row{fill:#1f2328;fill-opacity:0}.striped{fill-opacity:.05}
.runs{fill:#0969da}.grid{stroke:#d1d9e0}.change{stroke:#1f2328;stroke-dasharray:4 3}
.peak{fill:#bc4c00;font-weight:600}.line{stroke:#bc4c00;stroke-width:1.2}
@media(prefers-color-scheme:dark){
text,.row{fill:#e6edf3}.note,.head,.hour,.off{fill:#9198a1}.back{fill:#0d1117}
.runs{fill:#4493f8}.grid{stroke:#3d444d}.change{stroke:#e6edf3}
.peak{fill:#f0883e}.line{stroke:#f0883e}}"""
"""Plain enough for viewers that know neither variables nor dark mode."""


@frozen
class Mark:
    """A tick or, where runs lie close together, a band: from the first run to the last."""

    first: float
    last: float


def picture(made: Plan) -> str:
    """Return the day as an SVG document, a few KB for each module however often it runs."""
    day, modules = made.day, made.service.modules
    rows, total = [], 0
    for index, module in enumerate(modules):
        ticks = made.ticks(module)
        total += len(ticks)
        rows.append(_row(day, module, ticks, index))
    bottom = TOP + ROW * len(rows)
    found = f"{counted(len(rows), 'module')}, {summary(made, total)}"
    words = escape(". ".join(filter(None, (found, day.oddity()))))
    lines = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{bottom + 36}"'
        f' viewBox="0 0 {WIDTH} {bottom + 36}" role="img" aria-labelledby="title words">',
        f'<title id="title">{_shown(title(made), TITLE_CELLS)}</title>',
        f'<desc id="words">{words}</desc>',
        f"<style>\n{STYLE}\n</style>",
        f'<rect class="back" width="{WIDTH}" height="{bottom + 36}"/>',
        _words("title", 16, 34, _shown(title(made), TITLE_CELLS)),
        _words("note", 16, 56, words),
        _words("head", 16, TOP - 10, "module"),
        _words("head count", COUNT, TOP - 10, "runs"),
        _words("head", WORDS, TOP - 10, "schedule"),
        *_axis(day, bottom),
        *_peak(made, bottom),
        *rows,
        "</svg>",
    )
    return "\n".join(lines).encode("ascii", "xmlcharrefreplace").decode("ascii") + "\n"


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


def _row(day: LocalDay, module: Module, ticks: Sequence[float], index: int) -> str:
    """Return a module's row; it has a coordinate system of its own."""
    schedule = in_words(module)
    tooltip = f"{module.name}: {module.check}, {schedule}"
    if ticks:
        tooltip += (
            f"; {counted(len(ticks), 'run')} from {day.clock(ticks[0])} to {day.clock(ticks[-1])}"
        )
    off = "" if module.enabled else "off"
    drawn = "".join(_outline(day, mark) for mark in marks(ticks, (TICK + GAP) / _scale(day)))
    parts = (
        f'<g transform="translate(0 {TOP + ROW * index})">',
        f"<title>{_shown(tooltip, TOOLTIP_CELLS)}</title>",
        f'<rect class="row{"" if index % 2 else " striped"}" width="{WIDTH}" height="{ROW}"/>',
        _words(off, 16, 15, _shown(module.name, NAME_CELLS)),
        f'<path class="runs" d="{drawn}"/>' if drawn else "",
        _words("count", COUNT, 15, str(len(ticks))) if module.enabled else "",
        _words(off, WORDS, 15, _shown(schedule, WORDS_CELLS)),
        "</g>",
    )
    return "".join(parts)


def _outline(day: LocalDay, mark: Mark) -> str:
    left = _x(day, mark.first) - TICK / 2
    width = (mark.last - mark.first) * _scale(day) + TICK
    top, height = (4, 14) if mark.first == mark.last else (7, 8)
    return f"M{left:.1f} {top}h{width:.1f}v{height}h-{width:.1f}z"


def _axis(day: LocalDay, bottom: int) -> Iterator[str]:
    """Yield a line for each hour that the clocks show, named above and below the rows."""
    hours = [(moment, f"{hour:02}") for moment, hour in day.whole_hours()]
    for moment, name in (*hours, (day.end, "24")):
        yield _line("grid", _x(day, moment), TOP - 4, bottom + 4)
        for height in (TOP - 10, bottom + 18):
            yield _words("hour", _x(day, moment), height, name)
    if (change := day.change()) is not None:
        yield _line("change", _x(day, change), TOP - 4, bottom + 4)


def _peak(made: Plan, bottom: int) -> Iterator[str]:
    """Yield the mark of the busiest minute."""
    if made.peak_at is None:
        return
    x = _x(made.day, made.peak_at)
    words = f"peak {made.day.clock(made.peak_at)[:5]}: {counted(made.peak_runs, 'run')}"
    middle = min(max(x, LEFT + 60), RIGHT - 60)  # its words stay between the columns
    yield _words("peak", middle, TOP - 33, words)
    yield f'<path class="peak" d="M{x - 5:.1f} {TOP - 28}h10l-5 6z"/>'
    yield _line("line", x, TOP - 4, bottom + 4)


def _scale(day: LocalDay) -> float:
    """Return pixels for a second; a day that the zone has leapt over has none to draw."""
    return (RIGHT - LEFT) / max(day.length, 1)


def _x(day: LocalDay, moment: float) -> float:
    return LEFT + (moment - day.start) * _scale(day)


def _line(style: str, x: float, top: float, bottom: float) -> str:
    return f'<path class="{style}" d="M{x:.1f} {top}V{bottom}"/>'


def _words(style: str, x: float, y: float, words: str) -> str:
    """Return a text that has been escaped already."""
    return f'<text class="{style}" x="{x:.1f}" y="{y}">{words}</text>'


def _shown(text: str, cells: int) -> str:
    """Return text as it can stand in XML, in one line, cut to the room that it has."""
    return escape(cut(printable(text), cells))
