"""Sizes in words."""

from __future__ import annotations

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
"""Each is 1,024 of the one before."""


def size(count: int) -> str:
    """Return a number of bytes in words, with one decimal: "12.3 GiB"."""
    value, unit = float(count), 0
    while round(value, 1) >= 1024 and unit < len(UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.1f} {UNITS[unit]}" if unit else f"{count} B"
