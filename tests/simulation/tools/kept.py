"""A scenario that once broke a promise, as a file: what was wrong, its story, and the scenario."""

from __future__ import annotations

import json
from pathlib import Path

from attrs import frozen
from cattrs import Converter

from tests.simulation.scenario import Scenario

SEEDS = Path(__file__).parent.parent / "seeds"
"""Where the files are. Each is named after what was wrong."""

_CONVERTER = Converter(omit_if_default=True, forbid_extra_keys=True)


@frozen
class Kept:
    """What such a file holds."""

    promise: str
    """The name of the promise that was broken."""

    story: tuple[str, ...]
    """What happened, for readers. The file's name says what was wrong."""

    scenario: Scenario
    """What it happened in."""

    def write(self, path: Path) -> None:
        """Write the file."""
        text = json.dumps(_CONVERTER.unstructure(self), indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")


def read(path: Path) -> Kept:
    """Read a file."""
    return _CONVERTER.structure(json.loads(path.read_text(encoding="utf-8")), Kept)


def kept_files() -> list[Path]:
    """Return all files that are kept."""
    return sorted(SEEDS.glob("*.json"))
