"""Numbers with their units for people: 70 GiB, 98 µs, 0.78. Pure."""

from __future__ import annotations

from supervisor.web.page.durations import brief, span

BINARY_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
"""Units of bytes, each 1,024 times the one before."""

LONG_SECONDS = 7200
"""From this many seconds on, a duration has days, hours and minutes."""

SHORT = 0.001
"""Smaller numbers are written with a power of ten."""


def figure(value: float, unit: str) -> str:
    """Return a number with its unit."""
    if unit == "B":
        return data_size(value)
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


def data_size(value: float) -> str:
    """Return bytes for people: `512 B`, `70 GiB`, `1.5 TiB`."""
    size, place = float(value), 0
    while abs(size) >= 1023.5 and place < len(BINARY_UNITS) - 1:
        size, place = size / 1024, place + 1
    digits = 0 if place == 0 or abs(size) >= 9.95 else 1
    return f"{size:,.{digits}f} {BINARY_UNITS[place]}"
