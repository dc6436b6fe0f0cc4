"""Reads the file of airport codes that a site shares among its programs."""

from __future__ import annotations

import json
import re
from pathlib import Path

from checks._common.printable import shown
from supervisor.api import CheckFailed, read_regular_file

MAX_BYTES = 1 << 20
"""The most bytes of the file."""

_CODE = re.compile(r"[A-Z]{3,4}")
"""A code of IATA or of ICAO."""


def read(path: Path) -> tuple[str, ...]:
    """Return the airport codes of a file, sorted. Raises `CheckFailed`."""
    try:
        raw = read_regular_file(path, MAX_BYTES)
    except OSError as error:
        why = error.strerror or error
        raise CheckFailed(f"cannot read the airports file {path}: {why}") from None
    try:
        return parse(raw)
    except ValueError as error:
        raise CheckFailed(
            f"cannot use the airports file {path}: {error}; "
            'write for example ["ICN", "GMP"] or {"ICN": "Incheon", "GMP": "Gimpo"}'
        ) from None


def parse(raw: bytes) -> tuple[str, ...]:
    """Return the codes in a JSON list or object.

    The codes of an object are its keys. If all its values are lists, the codes are those in the
    lists. Raises `ValueError` with what is wrong.
    """
    try:
        found = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno} is not JSON: {error.msg}") from None
    except (RecursionError, ValueError):
        raise ValueError("it is not JSON, or it is nested too deeply") from None
    if isinstance(found, dict) and found and all(isinstance(v, list) for v in found.values()):
        found = [code for codes in found.values() for code in codes]
    if not isinstance(found, list | dict):
        raise ValueError("it holds neither a list nor an object")  # noqa: TRY004  # it is the file's value that is wrong
    if not found:
        raise ValueError("it holds no airport")
    return tuple(sorted({_code(code) for code in found}))


def _code(value: object) -> str:
    if isinstance(value, str) and _CODE.fullmatch(value.strip().upper()):
        return value.strip().upper()
    raise ValueError(f"{shown(repr(value), 60)} is not an airport code")
