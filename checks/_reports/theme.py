"""The colours and templates of the reports. Used by the checks that report."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
"""The folder of the templates."""

GREEN = "#2f7d5d"
"""All is well. White text on it is easy to read."""

AMBER = "#a86400"
"""A warning. White text on it is easy to read."""

RED = "#b23a34"
"""An error. White text on it is easy to read."""

GREY = "#5b6776"
"""It is not known whether all is well. White text on it is easy to read."""

BLUE = "#5b8db8"
"""An information, or a bar that is not too long."""


EMPHASIS = f"color:{RED};font-weight:600"
"""The style of a number that stands out."""


def template(name: str) -> str:
    """Return a report's template. The macros that all reports share stand before it."""
    return "".join((HERE / file).read_text(encoding="utf-8") for file in ("base.html", name))
