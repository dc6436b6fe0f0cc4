"""Durations in the words of the page, which are short and show milliseconds and days. Pure."""

from __future__ import annotations


def brief(seconds: float) -> str:
    """Return a duration for people: `3 ms`, `0.25 s`, `12 s`, `5 min`."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.2g} ms" if seconds < 0.00995 else f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.2g} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def minutes(seconds: float) -> str:
    """Return how long something has lasted. The text changes once a minute."""
    return "less than a minute" if seconds < 60 else span(seconds // 60 * 60)


def span(seconds: float) -> str:
    """Return a long duration for people: `40 s`, `12 min`, `3 h 5 min`, `12 d 4 h`."""
    whole = max(0, int(seconds))
    days, hours, mins = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {mins} min"
    return f"{mins} min" if mins else f"{whole} s"
