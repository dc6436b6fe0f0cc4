"""Reads the file of a calendar. `strict` calls it for a service file that names one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from supervisor.config.calendars.calendar import Calendar
from supervisor.config.explain.positions import positions
from supervisor.config.files import read
from supervisor.config.problems import InvalidValue
from supervisor.errors import ConfigError, Problem
from supervisor.text import counted

REMEDY = 'write a line such as 2026-12-25 = "Christmas"'
"""What a calendar is made of."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
"""The form of a date."""


def calendar(path: Path) -> Calendar:
    """Return the calendar of a file. Raises `InvalidValue` with file, line and remedy."""
    try:
        source = read(path)
    except ConfigError as error:
        raise _refused(error.problems) from None
    names, wrong = _dates(source.table)
    if wrong:
        lines = positions(source.text)
        raise _refused(
            [
                Problem(str(path), key, what, REMEDY, line=lines.line((key,)))
                for key, what in wrong.items()
            ]
        )
    if not names:
        raise _refused([Problem(str(path), "", "names no date", REMEDY)])
    return Calendar(path, names)


def _dates(table: Mapping[str, Any]) -> tuple[dict[date, str], dict[str, str]]:
    """Return the dates with their names, and what is wrong with other keys."""
    names: dict[date, str] = {}
    wrong: dict[str, str] = {}
    for key, name in table.items():
        day = _date(key)
        if day is None:
            wrong[key] = "is not a date"
        elif not isinstance(name, str) or not name.strip() or not name.isprintable():
            wrong[key] = "has no name in one line"
        else:
            names[day] = name
    return names, wrong


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def _refused(problems: list[Problem] | tuple[Problem, ...]) -> InvalidValue:
    """Return the error that tells the first of some problems, and how many there are."""
    what, _, remedy = str(problems[0]).rpartition("; ")
    more = f", and {counted(len(problems) - 1, 'more problem')}" if len(problems) > 1 else ""
    return InvalidValue(f"is not a calendar: {what}{more}; {remedy}")
