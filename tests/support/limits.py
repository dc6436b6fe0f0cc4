"""Any limits, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from supervisor.config.limits.limit import EVENT_TYPES, Limit

NUMBERS = st.integers(0, 120)


@st.composite
def upper_limits(draw: st.DrawFn) -> Limit[int]:
    """Return a limit that a value should not be above: a number, or a table in a right order."""
    if draw(st.booleans()):
        return Limit.of(draw(NUMBERS))
    kinds = draw(st.lists(st.sampled_from(EVENT_TYPES), min_size=1, unique=True))
    numbers = draw(st.lists(NUMBERS, min_size=len(kinds), max_size=len(kinds), unique=True))
    levels = dict(zip(kinds, numbers, strict=True))
    if {"W", "E"} <= levels.keys():
        levels["W"], levels["E"] = sorted((levels["W"], levels["E"]))
    clear = draw(st.none() | st.integers(-5, min(numbers)))
    return Limit(tuple(levels.items()), clear)


@st.composite
def lower_limits(draw: st.DrawFn) -> Limit[int]:
    """Return a limit that a value should not be below."""
    upper = draw(upper_limits())
    clear = None if upper.clear is None else -upper.clear
    return Limit(tuple((kind, -number) for kind, number in upper.levels), clear)
