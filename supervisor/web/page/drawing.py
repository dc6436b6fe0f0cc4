"""Runs as pictures: bars for the last hundred durations, a lane for the last hour. Pure.

There is one SVG path for each outcome, so that a page of sixty modules stays small. The style
sheet has the colours.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence

from attrs import frozen

from supervisor.stats.recent_runs import KEPT, RESULTS, PastRun
from supervisor.text import counted
from supervisor.web.page.durations import brief

LANE_SECONDS = 3600
"""The lane shows the runs of this many seconds. It has one unit for each."""

BAR_DISTANCE = 2
"""Distance of two bars, in units of the bars' picture."""

MAX_BAR_HEIGHT = 240
"""Height of the highest bar, which is that of the picture."""

MIN_BAR_HEIGHT = 20
"""Height of the lowest bar, so that it can be seen."""

SPARK_HEIGHT = 40
"""Height of the picture of a measurement's values. It is as wide as that of the bars."""

TICK_SECONDS = 12.0
"""Seconds: in the lane a longer run is a bar, a shorter one is a tick."""

_STARTS = tuple(
    f"M{BAR_DISTANCE * place + BAR_DISTANCE // 2} {MAX_BAR_HEIGHT}v-" for place in range(KEPT)
)
"""How the path of each bar begins."""

_WORDS = {"ok": "ok", "conditions": "with conditions", "failed": "failed", "timeout": "timed out"}
"""Each outcome in words."""


@frozen
class Path:
    """All runs of one outcome."""

    style: str
    """Its class in the style sheet."""

    outline: str
    """The data of an SVG path."""


@frozen
class Picture:
    """Paths, and what they show in words."""

    paths: tuple[Path, ...]
    words: str


def bars(runs: Sequence[PastRun]) -> Picture:
    """Return the runs as bars, the last one at the right. The height shows the duration."""
    if not runs:
        return Picture((), "no run yet")
    durations = [run.seconds for run in runs]
    usual = max(statistics.median(durations), 1e-9)
    scale = MAX_BAR_HEIGHT / 3 / math.sqrt(usual)
    outlines: dict[str, list[str]] = {}
    for start, run in zip(_STARTS[KEPT - len(runs) :], runs, strict=True):
        # A usual run has a third of the height. One that takes nine times as long has all of it.
        # So has a failed run, which may have been quick and must be seen.
        height = MAX_BAR_HEIGHT
        if run.result in ("ok", "conditions"):
            height = min(MAX_BAR_HEIGHT, max(MIN_BAR_HEIGHT, round(scale * math.sqrt(run.seconds))))
        outlines.setdefault(run.result, []).append(f"{start}{height}")
    words = f"{_outcomes(runs)}; {brief(usual)} usually, {brief(max(durations))} at most"
    return Picture(_paths(outlines), words)


def lane(runs: Sequence[PastRun], end: float, known_since: float = 0.0) -> Picture:
    """Return the runs of the hour before `end` (Unix seconds), on a lane 3600 wide and 10 high.

    What was before `known_since` is not known.
    """
    start = end - LANE_SECONDS
    outlines: dict[str, list[str]] = {}
    seen = [run for run in runs if run.started + run.seconds > start and run.started < end]
    for run in seen:
        left = max(0.0, run.started - start)
        width = min(run.started + run.seconds, end) - start - left
        outline = f"h{width:.0f}v10h-{width:.0f}z" if width > TICK_SECONDS else "v10"
        outlines.setdefault(run.result, []).append(f"M{left:.0f} 0{outline}")
    # Older runs are forgotten, or an earlier process made them: there may have been some.
    unknown = min(max(known_since, runs[0].started if len(runs) == KEPT else 0.0), end) - start
    if unknown > 0:
        outlines["unknown"] = [f"M0 0h{unknown:.0f}v10h-{unknown:.0f}z"]
    return Picture(_paths(outlines), f"{_outcomes(seen)} in the last hour" if seen else "no run")


def quarters(end: float) -> list[float]:
    """Return the times of the lane's axis, which ends at `end`, in Unix seconds."""
    return [end - LANE_SECONDS * part / 4 for part in range(4, -1, -1)]


def spark(values: Sequence[float], limits: Sequence[float], words: str) -> Picture:
    """Return values as a line, the last one at the right, and their limits as lines across.

    A few values take the whole width, too.
    """
    if not values:
        return Picture((), words)
    low, high = min(*values, *limits, values[0]), max(*values, *limits, values[0])
    if low == high:
        low, high = low - 1, high + 1
    if not math.isfinite(high - low):
        return Picture((), words)

    def height(value: float) -> float:
        return round(SPARK_HEIGHT - 2 - (value - low) / (high - low) * (SPARK_HEIGHT - 4), 1)

    step = KEPT * BAR_DISTANCE / max(1, len(values) - 1)
    points = [f"{place * step:.4g} {height(value):g}" for place, value in enumerate(values)]
    across = "".join(f"M0 {height(limit):g}h{KEPT * BAR_DISTANCE}" for limit in limits)
    # One value is a dot at the left.
    line = Path("values", f"M{'L'.join(points if len(points) > 1 else points * 2)}")
    return Picture((Path("limit", across), line) if across else (line,), words)


def _paths(outlines: dict[str, list[str]]) -> tuple[Path, ...]:
    # Worse outcomes come later, so that they are drawn above the others.
    return tuple(
        Path(style, "".join(outlines[style]))
        for style in ("unknown", *RESULTS)
        if style in outlines
    )


def _outcomes(runs: Iterable[PastRun]) -> str:
    counts = dict.fromkeys(RESULTS, 0)
    for run in runs:
        counts[run.result] += 1
    total = sum(counts.values())
    parts = [f"{counts[result]} {_WORDS[result]}" for result in RESULTS[1:] if counts[result]]
    return f"{counted(total, 'run')}, {', '.join(parts) or 'all ok'}"
