"""Prints, judges and draws the figures of a benchmark of growth."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from attrs import frozen

from benchmarks.rig.chart import Line, Lines, picture

MAX_NOISE = 1.15
"""Growth that is faster than N by this factor is still noise."""


@frozen
class Row:
    """What was measured with one number of modules, commands or alerts."""

    count: int
    cost: float
    """Milliseconds of CPU for one check, or for one alert in a minute."""
    load: float
    """Percent of one core."""
    lags: Sequence[float]
    """Milliseconds by which modules started late."""
    memory: int
    """Bytes."""
    ledger: int
    """Bytes on disk."""
    ready: float
    """Seconds from exec to READY=1."""
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.lags)

    @property
    def late(self) -> float:
        """Return the lag that 99 of 100 lags do not exceed."""
        return sorted(self.lags)[int(len(self.lags) * 0.99)]


def show(title: str, cost: str, rows: Sequence[Row]) -> None:
    print(f"\n{title}")
    print(
        f"{'N':>7} {cost + ', ms':>28} {'load, %':>8} {'lag p50':>8} {'p99':>7} {'max, ms':>8} "
        f"{'memory, MiB':>12} {'KiB per N':>10} {'ledger, KiB':>12} {'ready, s':>9}"
    )
    first = rows[0]
    for row in rows:
        beyond = row.memory - first.memory
        each = f"{beyond / (row.count - first.count) / 1024:10.1f}" if row is not first else ""
        print(
            f"{row.count:7} {row.cost:28.3f} {row.load:8.2f} {row.median:8.1f} {row.late:7.1f} "
            f"{max(row.lags):8.1f} {row.memory / 2**20:12.1f} {each:>10} {row.ledger / 1024:12.0f} "
            f"{row.ready:9.2f}  {row.note}"
        )
    for before, after in pairwise(rows):
        print(f"   {before.count} → {after.count}: {judgement(before, after)}")


def judgement(before: Row, after: Row) -> str:
    """Return by how much each figure has grown, and which grew faster than the number."""
    times = after.count / before.count
    growth = {
        "CPU": after.load / before.load / times,
        "memory": after.memory / before.memory / times,
        "ledger": after.ledger / before.ledger / times,
        "start": after.ready / before.ready / times,
    }
    bends = [name for name, ratio in growth.items() if ratio > MAX_NOISE]
    text = ", ".join(f"{name} by {ratio * times:.2f}" for name, ratio in growth.items())
    verdict = f"faster than N: {', '.join(bends)}" if bends else "linear or better"
    return f"N by {times:.1f}: {text}: {verdict}"


def plot(rows: Mapping[str, Sequence[Row]], note: str) -> str:
    """Return the SVG of load, lag, memory and ledger over the number."""
    quantities: Mapping[str, Callable[[Row], float]] = {
        "CPU, % of one core": lambda row: row.load,
        "lag p99, ms": lambda row: row.late,
        "memory, MiB": lambda row: row.memory / 2**20,
        "ledger, KiB": lambda row: row.ledger / 1024,
    }
    panels = []
    for title, read in quantities.items():
        lines = [
            Line(name, [(row.count, max(0.01, read(row))) for row in measured])
            for name, measured in rows.items()
        ]
        panels.append(Lines(title, lines, "N", logarithmic=True))
    return picture("What grows with N", note, panels)
