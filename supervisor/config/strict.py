"""Hooks for simple values. They convert nothing, and a boolean is not an integer."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from supervisor.config import schema_text
from supervisor.config.calendars.calendar import Calendar
from supervisor.config.problems import InvalidValue, WrongType
from supervisor.config.secret import Secret
from supervisor.config.timezone import parse_timezone
from supervisor.observations import Duration, Size
from supervisor.text import parse_duration, shortened

Hook: TypeAlias = Callable[[Any, Any], Any]
"""Returns a TOML value as the expected type; raises `InvalidValue` or another `ValueError`."""

MAX_DURATION = 10 * 366 * 86400
"""Seconds. A much longer duration from now would end after the last year of `datetime`."""

MAX_SIZE = 2**60
"""Bytes. A filesystem or a ledger is not that large."""

_SIZE = re.compile(r"([0-9]{1,15})\s*([kKMGT]i?)?B?")
"""A number of bytes with its unit."""

_SIZE_UNITS = {
    f"{letter}{binary}": base**power
    for power, letter in enumerate("kmgt", 1)
    for binary, base in (("", 1000), ("i", 1024))
}
"""Bytes of each unit, by its name in lower case."""

_directory = ContextVar("directory", default=Path())
"""Where relative paths start."""


def exactly(*accepted: type) -> Hook:
    """Return the hook that takes values of these types only; a boolean is not an integer."""

    def hook(value: Any, expected: Any) -> Any:
        if isinstance(value, accepted) and (bool in accepted or not isinstance(value, bool)):
            return value
        raise WrongType(value, expected)

    return hook


def number(value: Any, expected: Any) -> float:
    """Return a finite number. Integers are numbers, too."""
    with contextlib.suppress(OverflowError):
        found = float(exactly(int, float)(value, expected))
        if math.isfinite(found):
            return found
    raise InvalidValue("is not a finite number; write for example 0.5")


def duration(value: Any, expected: Any) -> Duration:
    """Return seconds, from 0 to `MAX_DURATION`."""
    number = exactly(int, float, str)(value, expected)
    with contextlib.suppress(OverflowError):
        try:
            seconds = Duration(parse_duration(number))
        except ValueError as error:
            if not isinstance(number, str):
                raise
            from supervisor.config.explain.schedules import duration_for  # only errors need it

            wrong, _, _ = str(error).partition("; ")
            raise InvalidValue(f"{wrong}; {duration_for(number)}") from None
        if 0 <= seconds <= MAX_DURATION:
            return seconds
    raise InvalidValue('is less than 0 or more than 10 years; write for example "5m"')


def size(value: Any, expected: Any) -> Size:
    """Return the bytes that "64MiB", "500kB" or a number stands for."""
    number = exactly(int, str)(value, expected)
    if isinstance(number, str):
        match = _SIZE.fullmatch(number)
        if match is None:
            raise InvalidValue(f"'{shortened(number)}' is not a size; write for example \"64MiB\"")
        number = int(match[1]) * _SIZE_UNITS.get((match[2] or "").lower(), 1)
    if 0 <= number < MAX_SIZE:
        return Size(number)
    raise InvalidValue('is less than 0 or 1 EiB or more; write for example "64MiB"')


@contextlib.contextmanager
def paths_from(directory: Path) -> Iterator[None]:
    """Let relative paths start at a directory, within this context."""
    token = _directory.set(directory)
    try:
        yield
    finally:
        _directory.reset(token)


def path(value: Any, expected: Any) -> Path:
    """Return a path. A relative one starts at the directory of `paths_from`. It need not exist."""
    text: str = exactly(str)(value, expected)
    if not text or "\0" in text:
        raise InvalidValue('is not a path; write for example "/path/to/file"')
    return _directory.get() / text


def calendar(value: Any, expected: Any) -> Calendar:
    """Return the calendar of a file. A relative path starts at the directory of `paths_from`."""
    from supervisor.config.calendars import reading  # few files name a calendar

    return reading.calendar(path(value, expected))


def timezone(value: Any, expected: Any) -> ZoneInfo:
    """Return the IANA zone of that name."""
    return parse_timezone(exactly(str)(value, expected))


def secret(value: Any, expected: Any) -> Secret:
    """Return where a secret is kept. No message shows a wrong value."""
    if isinstance(value, Mapping) and len(value) == 1:
        ((form, name),) = value.items()
        if form in ("credential", "file", "env") and _names_a_secret(form, name):
            return Secret(form, str(_directory.get() / name) if form == "file" else name)
    raise WrongType(
        value, expected, f"a secret is never written here, write {schema_text.THREE_FORMS}"
    )


def _names_a_secret(form: str, name: object) -> bool:
    if not isinstance(name, str) or not name or not name.isprintable():
        return False
    forbidden = {"credential": "/", "env": "=", "file": "\0"}[form]
    return forbidden not in name and name not in (".", "..")
