"""Charts of benchmarks as SVG: panels of bars or of lines, light or dark as the viewer prefers.

Pure: the same figures give the same bytes. The benchmarks write them to docs/pictures/benchmarks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from attrs import frozen

WIDTH = 920
"""Of the picture, in pixels, as all lengths here."""

MARGIN = 20
"""Around each panel."""

PANEL = (WIDTH - 3 * MARGIN) // 2
"""The width of a panel: there are two in a row."""

TOP = 66
"""The height of the picture's title and note."""

ROW = 24
"""The height of a bar with the space around it."""

NAMES = 96
"""The space for names, left of the bars."""

VALUES = 62
"""The space for its value, right of the longest bar."""

PLOT = 200
"""The height of the lines' plot."""

AXIS = 62
"""The space for numbers, left of the lines' plot."""

STYLE = """\
text{font:13px system-ui,sans-serif;fill:#1f2328}
.title{font-size:19px;font-weight:600}.head{font-weight:600}
.note,.tick{fill:#59636e}.tick{font-size:11px}.name,.y{text-anchor:end}.x{text-anchor:middle}
.back{fill:#fff}.bar{fill:#afb8c1}.ours{fill:#0969da}.grid{stroke:#d1d9e0}
.line{fill:none;stroke-width:2}.s0{stroke:#0969da;fill:#0969da}.s1{stroke:#bc4c00;fill:#bc4c00}
.s2{stroke:#1a7f37;fill:#1a7f37}.s3{stroke:#8250df;fill:#8250df}
path.line{fill:none}text.s0,text.s1,text.s2,text.s3{stroke:none}
@media(prefers-color-scheme:dark){
text{fill:#e6edf3}.note,.tick{fill:#9198a1}.back{fill:#0d1117}.bar{fill:#59636e}
.ours{fill:#4493f8}.grid{stroke:#3d444d}.s0{stroke:#4493f8;fill:#4493f8}
.s1{stroke:#f0883e;fill:#f0883e}.s2{stroke:#3fb950;fill:#3fb950}.s3{stroke:#ab7df8;fill:#ab7df8}}"""
"""Simple enough for viewers that know neither variables nor dark mode."""

COLOURS = 4
"""Colours of lines in `STYLE`."""


@frozen
class Bar:
    """One value."""

    name: str
    value: float
    ours: bool = False
    """Whether the bar is drawn in colour; other bars are grey."""


@frozen
class Bars:
    """A panel with a bar for each value; the greatest value has the whole width."""

    title: str
    bars: Sequence[Bar]

    @property
    def height(self) -> int:
        return 30 + ROW * len(self.bars)

    def draw(self) -> Iterator[str]:
        """Yield the elements of a panel whose corner is at 0, 0."""
        yield _text("head", 0, 14, self.title)
        most = max((bar.value for bar in self.bars), default=0) or 1
        for number, bar in enumerate(self.bars):
            y = 28 + ROW * number
            width = max(1.0, bar.value / most * (PANEL - NAMES - VALUES))
            style = "bar ours" if bar.ours else "bar"
            yield _text("name", NAMES - 8, y + 13, bar.name)
            size = f'width="{width:.1f}" height="{ROW - 6}"'
            yield f'<rect class="{style}" x="{NAMES}" y="{y}" {size}/>'
            yield _text("value", NAMES + width + 6, y + 13, shown(bar.value))


@frozen
class Line:
    """Points in the order of their first numbers."""

    name: str
    points: Sequence[tuple[float, float]]


@frozen
class Lines:
    """A panel with lines over one axis. With logarithmic axes, all numbers must be above 0."""

    title: str
    lines: Sequence[Line]
    unit: str = ""
    logarithmic: bool = False

    @property
    def height(self) -> int:
        return PLOT + 62

    def draw(self) -> Iterator[str]:
        """Yield the elements of a panel whose corner is at 0, 0."""
        yield _text("head", 0, 14, self.title)
        points = [point for line in self.lines for point in line.points]
        if not points:
            return
        across = _Scale.of([x for x, _ in points], AXIS, PANEL - 12, logarithmic=self.logarithmic)
        up = _Scale.of(
            [y for _, y in points], PLOT + 28, 28, logarithmic=self.logarithmic, from_zero=True
        )
        for value in up.ticks():
            y = up.place(value)
            yield f'<path class="grid" d="M{AXIS} {y:.1f}H{PANEL - 12}"/>'
            yield _text("tick y", AXIS - 6, y + 4, shown(value))
        for value in across.ticks():
            yield _text("tick x", across.place(value), PLOT + 44, shown(value))
        yield _text("tick", AXIS, PLOT + 60, self.unit)
        for number, line in enumerate(self.lines):
            style = f"s{number % COLOURS}"
            path = "L".join(f"{across.place(x):.1f} {up.place(y):.1f}" for x, y in line.points)
            yield f'<path class="{style} line" d="M{path}"/>'
            yield _text(style, AXIS + NAMES * (number + 1), PLOT + 60, line.name)


@frozen
class _Scale:
    """Turns numbers into pixels."""

    least: float
    most: float
    start: float
    """The pixel of `least`."""
    end: float
    """The pixel of `most`."""
    logarithmic: bool

    @classmethod
    def of(
        cls,
        values: Sequence[float],
        start: float,
        end: float,
        *,
        logarithmic: bool,
        from_zero: bool = False,
    ) -> _Scale:
        least, most = min(values), max(values)
        if not logarithmic:
            least = min(0.0, least) if from_zero else least
            most = most if most > least else least + 1
        else:
            least = 10.0 ** math.floor(math.log10(least))
            most = 10.0 ** math.ceil(math.log10(most))
            most = most if most > least else 10 * least
        return cls(least=least, most=most, start=start, end=end, logarithmic=logarithmic)

    def place(self, value: float) -> float:
        if self.logarithmic:
            share = math.log(value / self.least) / math.log(self.most / self.least)
        else:
            share = (value - self.least) / (self.most - self.least)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Return the numbers for the axis: powers of ten, or four to ten round numbers."""
        if self.logarithmic:
            first, last = round(math.log10(self.least)), round(math.log10(self.most))
            return [10.0**power for power in range(first, last + 1)]
        step = 10.0 ** math.floor(math.log10((self.most - self.least) / 2))
        while (self.most - self.least) / step > 6:
            step *= 2
        first = math.ceil(self.least / step)
        return [step * n for n in range(first, math.floor(self.most / step) + 1)]


def picture(title: str, note: str, panels: Sequence[Bars | Lines]) -> str:
    """Return the panels, two in a row, as an SVG document in ASCII."""
    parts: list[str] = []
    y = TOP
    for first in range(0, len(panels), 2):
        pair = panels[first : first + 2]
        for column, panel in enumerate(pair):
            x = MARGIN + column * (PANEL + MARGIN)
            parts += [f'<g transform="translate({x} {y})">', *panel.draw(), "</g>"]
        y += max(panel.height for panel in pair) + MARGIN
    lines = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}"'
        f' viewBox="0 0 {WIDTH} {y}" role="img" aria-labelledby="title words">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="words">{escape(note)}</desc>',
        f"<style>\n{STYLE}\n</style>",
        f'<rect class="back" width="{WIDTH}" height="{y}"/>',
        _text("title", MARGIN, 28, title),
        _text("note", MARGIN, 49, note),
        *parts,
        "</svg>",
    )
    return "\n".join(lines).encode("ascii", "xmlcharrefreplace").decode("ascii") + "\n"


def shown(value: float) -> str:
    """Return a number with three significant digits; numbers above 100 are whole."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _text(style: str, x: float, y: float, words: str) -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'
