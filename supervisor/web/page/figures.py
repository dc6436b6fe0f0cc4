"""Numbers with their units for people: 70 GiB, 98 µs, 0.78. Pure."""

from __future__ import annotations

from supervisor.text import data_size
from supervisor.web.page.durations import brief, span

LONG_SECONDS = 7200
"""From this many seconds on, a duration has days, hours and minutes."""

SHORT = 0.001
"""Smaller numbers are written with a power of ten."""


def figure(value: float, unit: str) -> str:
    """Return a number with its unit."""
    if unit in ("B", "B/s"):
        return data_size(value) + unit.removeprefix("B")
    if unit == "s":
        sign = "-" if value < 0 else ""
        return sign + (brief if abs(value) < LONG_SECONDS else span)(abs(value))
    return f"{number(value)} {unit}".rstrip()


def number(value: float) -> str:
    """Return a number with separators of thousands; a fraction has three digits that count."""
    if isinstance(value, int) or (abs(value) < 1e15 and value == int(value)):
        return f"{int(value):,}"
    if abs(value) >= 100:
        return f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.3g}"
    return f"{value:.3g}" if abs(value) < SHORT else f"{float(f'{value:.3g}'):g}"
