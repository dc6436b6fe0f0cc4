"""A calendar: dates with names on which a timetable leaves out its times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from attrs import field, frozen


@frozen
class Calendar:
    """The dates of one file. `reading` makes it."""

    path: Path
    """The file."""
    names: Mapping[date, str] = field(hash=False, repr=False)
    """What each date is called."""

    @property
    def end(self) -> date:
        """The last date."""
        return max(self.names)
