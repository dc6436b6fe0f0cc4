"""Durations in words. Used by the checks that tell how long something has lasted."""

from __future__ import annotations

DAY = 86400
"""Seconds."""

HOUR = 3600
"""Seconds."""

MINUTE = 60
"""Seconds."""

STEPS = (1, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 2700, 3600, 7200, 10800, 21600, 43200)
"""Seconds. Messages tell ages in these steps, then in days, so that they seldom change."""


def stepped(age: float) -> float:
    """Return an age in seconds, rounded down to a step; from one day on, to whole days."""
    if age >= DAY:
        return age - age % DAY
    return max((step for step in STEPS if step <= age), default=0)


def span(seconds: float) -> str:
    """Return a duration in all its units: "1 h 30 min"."""
    left = round(seconds, 3)
    parts = []
    for unit, length in (("d", DAY), ("h", HOUR), ("min", MINUTE)):
        number, left = divmod(left, length)
        if number:
            parts.append(f"{number:.0f} {unit}")
    if left := round(left, 3):
        parts.append(f"{left:g} s")
    return " ".join(parts) or "0 s"


def long_span(seconds: float) -> str:
    """Return a long duration without its smallest units: "12 d 3 h", "3 h 12 min"."""
    return span(seconds - seconds % (HOUR if seconds >= DAY else MINUTE))
