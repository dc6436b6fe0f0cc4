"""Runs as pictures: bars for the last hundred durations, a lane for the last hour. Pure.

One path for each outcome keeps sixty modules small; colours are left to the style sheet.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence

from attrs import frozen

from supervisor.stats.recent_runs import KEPT, RESULTS, PastRun
from supervisor.web.page.durations import brief

HOUR = 3600

STEP = 2
HEIGHT, LEAST = 240, 20
"""The bars' picture in its own units: their distance, the height of the highest and the lowest."""

_STARTS = tuple(f"M{STEP * place + STEP // 2} {HEIGHT}v-" for place in range(KEPT))

LONG = 12.0
"""Seconds: a run that took longer is seen as a bar in the lane, others as a tick."""

_WORDS = {"ok": "ok", "conditions": "with conditions", "failed": "failed", "timeout": "timed out"}


@frozen
class Path:
    """What is drawn for one outcome; `style` is its class, `outline` an SVG path."""

    style: str
    outline: str


@frozen
class Picture:
    """Paths, and the same in words."""

    paths: tuple[Path, ...]
    words: str


def bars(runs: Sequence[PastRun]) -> Picture:
    """Return the runs as bars, the last at the right; the height is the duration."""
    if not runs:
        return Picture((), "no run yet")
    durations = [run.seconds for run in runs]
    usual = max(statistics.median(durations), 1e-9)
    scale = HEIGHT / 3 / math.sqrt(usual)
    outlines: dict[str, list[str]] = {}
    for start, run in zip(_STARTS[KEPT - len(runs) :], runs, strict=True):
        # A usual run has a third of the height, one nine times as long all of it. So has one
        # that failed: it may have been quick, and must be seen.
        height = HEIGHT
        if run.result in ("ok", "conditions"):
            height = min(HEIGHT, max(LEAST, round(scale * math.sqrt(run.seconds))))
        outlines.setdefault(run.result, []).append(f"{start}{height}")
    words = f"{_counted(runs)}; {brief(usual)} usually, {brief(max(durations))} at most"
    return Picture(_paths(outlines), words)


def lane(runs: Sequence[PastRun], end: float) -> Picture:
    """Return the runs of the hour before `end` (Unix seconds), on a lane 3600 wide and 10 high."""
    start = end - HOUR
    outlines: dict[str, list[str]] = {}
    seen = [run for run in runs if run.started + run.seconds > start and run.started < end]
    for run in seen:
        left = max(0.0, run.started - start)
        width = min(run.started + run.seconds, end) - start - left
        outline = f"h{width:.0f}v10h-{width:.0f}z" if width > LONG else "v10"
        outlines.setdefault(run.result, []).append(f"M{left:.0f} 0{outline}")
    if len(runs) == KEPT and (unknown := runs[0].started - start) > 0:
        # What was before is not remembered, which is not the same as that nothing was.
        outlines["unknown"] = [f"M0 0h{unknown:.0f}v10h-{unknown:.0f}z"]
    return Picture(_paths(outlines), f"{_counted(seen)} in the last hour" if seen else "no run")


def _paths(outlines: dict[str, list[str]]) -> tuple[Path, ...]:
    # The graver come later, so they are drawn above the others.
    return tuple(
        Path(style, "".join(outlines[style]))
        for style in ("unknown", *RESULTS)
        if style in outlines
    )


def _counted(runs: Iterable[PastRun]) -> str:
    counts = dict.fromkeys(RESULTS, 0)
    for run in runs:
        counts[run.result] += 1
    total = sum(counts.values())
    parts = [f"{counts[result]} {_WORDS[result]}" for result in RESULTS[1:] if counts[result]]
    runs_in_words = f"{total} run{'' if total == 1 else 's'}"
    return f"{runs_in_words}, {', '.join(parts) or 'all ok'}"
