"""Prometheus' text format 0.0.4: families, labels and numbers as text. Pure.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from supervisor.stats.histogram import BOUNDS, Histogram

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The content type of the whole text."""

_INVALID_IN_NAME = re.compile(r"[^a-zA-Z0-9_]")
"""A character that a label name must not have."""

_UPPER_BOUNDS = (*(f"{bound:g}" for bound in BOUNDS), "+Inf")
"""The label `le` of each bucket."""

_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
"""How the value of a label is escaped."""


def head(name: str, kind: str, text: str) -> str:
    """Return the two lines that begin a family."""
    return f"# HELP {name} {text}\n# TYPE {name} {kind}\n"


def labels(values: Mapping[str, str]) -> str:
    """Return labels as they are written between the braces."""
    return ",".join(f'{name}="{escaped(value)}"' for name, value in values.items())


def escaped(value: str) -> str:
    """Return the value of a label, escaped."""
    return value.translate(_ESCAPES)


def label_name(text: str, taken: frozenset[str] = frozenset()) -> str:
    """Return a valid label name that is not taken, and not reserved for Prometheus itself."""
    name = _INVALID_IN_NAME.sub("_", text)
    if not name or name[0].isdigit() or name.startswith("__") or name in taken:
        name = f"exported_{name}"
    return name


def sample(name: str, inner: str, value: float) -> str:
    """Return one line. `inner` are the labels, escaped already."""
    return f"{name}{{{inner}}} {number(value)}\n" if inner else f"{name} {number(value)}\n"


def histogram(name: str, inner: str, observed: Histogram) -> Iterator[str]:
    """Yield the lines of one histogram."""
    counts = observed.cumulative()
    for bound, count in zip(_UPPER_BOUNDS, counts, strict=True):
        yield f'{name}_bucket{{{inner},le="{bound}"}} {count}\n'
    yield f"{name}_sum{{{inner}}} {number(observed.total)}\n"
    yield f"{name}_count{{{inner}}} {counts[-1]}\n"


def number(value: float) -> str:
    """Return a number as Prometheus reads it."""
    try:
        value = float(value)
    except OverflowError:  # an integer of hundreds of digits
        value = float("inf") if value > 0 else float("-inf")
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    whole = int(value)
    return str(whole) if whole == value and abs(whole) < 1 << 53 else repr(value)
