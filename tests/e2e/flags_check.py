"""A check for tests: each file of a directory is a condition, and what is in it its message."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

from supervisor.api import Condition, Context, Observation


@frozen
class Params:
    """The directory."""

    directory: Path
    event_type: str = "E"


async def run(_context: Context, params: Params) -> Iterable[Observation]:
    """Return a condition for each file."""
    return [
        Condition("Flag", params.event_type, file.name, file.read_text(encoding="utf-8") or "up")
        for file in sorted(params.directory.iterdir())
    ]
