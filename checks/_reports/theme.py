"""The look that the reports share. Used by the checks that report."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent

GREEN, AMBER, RED, BLUE = "#2f7d5d", "#a86400", "#b23a34", "#5b8db8"
"""White text can be read well on the first three."""


def template(name: str) -> str:
    """Return a report's template, with what all of them are laid out with before it."""
    return "".join((HERE / file).read_text(encoding="utf-8") for file in ("base.html", name))
