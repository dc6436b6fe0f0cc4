"""Hooks for simple values, strict: nothing is coerced, and a boolean is no integer."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from supervisor.config import schema_text
from supervisor.config.problems import Invalid, WrongKind
from supervisor.config.secret import Secret
from supervisor.config.times import parse_duration
from supervisor.config.timezone import parse_timezone
from supervisor.observations import Duration

Hook: TypeAlias = Callable[[Any, Any], Any]
"""Takes a TOML value and the type expected of it; raises `Invalid` or another `ValueError`."""

_directory = ContextVar("directory", default=Path())

LONGEST = 10 * 366 * 86400
"""Seconds: a longer duration from now would leave the calendar."""


def exactly(*accepted: type) -> Hook:
    """Return the hook for a simple type: no coercion, and a boolean is no integer."""

    def hook(value: Any, expected: Any) -> Any:
        if isinstance(value, accepted) and (bool in accepted or not isinstance(value, bool)):
            return value
        raise WrongKind(value, expected)

    return hook


def number(value: Any, expected: Any) -> float:
    """Return a finite number; an integer is one too."""
    with contextlib.suppress(OverflowError):
        found = float(exactly(int, float)(value, expected))
        if math.isfinite(found):
            return found
    raise Invalid("is not a finite number; write for example 0.5")


def duration(value: Any, expected: Any) -> Duration:
    """Return seconds, from none to `LONGEST`."""
    number = exactly(int, float, str)(value, expected)
    with contextlib.suppress(OverflowError):
        seconds = parse_duration(number)
        if 0 <= seconds <= LONGEST:
            return seconds
    raise Invalid('is less than 0 or more than 10 years; write for example "5m"')


@contextlib.contextmanager
def paths_from(directory: Path) -> Iterator[None]:
    """Take relative paths as seen from a directory, within this context."""
    token = _directory.set(directory)
    try:
        yield
    finally:
        _directory.reset(token)


def path(value: Any, expected: Any) -> Path:
    """Return a path, relative ones from the directory of `paths_from`; it need not be there."""
    text: str = exactly(str)(value, expected)
    if not text or "\0" in text:
        raise Invalid('is no path; write for example "/path/to/file"')
    return _directory.get() / text


def timezone(value: Any, expected: Any) -> ZoneInfo:
    """Return the IANA zone of that name."""
    return parse_timezone(exactly(str)(value, expected))


def secret(value: Any, expected: Any) -> Secret:
    """Return where a secret is kept; nothing of a wrong value is shown."""
    if isinstance(value, Mapping) and len(value) == 1:
        ((form, name),) = value.items()
        if form in ("credential", "file", "env") and _names_a_secret(form, name):
            return Secret(form, str(_directory.get() / name) if form == "file" else name)
    raise WrongKind(
        value, expected, f"a secret is never written here, write {schema_text.THREE_FORMS}"
    )


def _names_a_secret(form: str, name: object) -> bool:
    if not isinstance(name, str) or not name or not name.isprintable():
        return False
    forbidden = {"credential": "/", "env": "=", "file": "\0"}[form]
    return forbidden not in name and name not in (".", "..")
