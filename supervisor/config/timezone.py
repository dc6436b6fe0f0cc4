"""Time zones by name: the machine's own zone, and those in service files."""

from __future__ import annotations

import os
import zoneinfo
from collections.abc import Iterator, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from supervisor.text import nearest, shortened

ABBREVIATIONS: Mapping[str, str] = {
    "KST": "Asia/Seoul",
    "JST": "Asia/Tokyo",
    "HKT": "Asia/Hong_Kong",
    "SGT": "Asia/Singapore",
    "PHT": "Asia/Manila",
    "ICT": "Asia/Bangkok",
    "WIB": "Asia/Jakarta",
}
"""Abbreviations that mean one zone. CST and IST mean several."""


def parse_timezone(name: str) -> ZoneInfo:
    """Return the IANA zone of this name.

    Raises `ValueError` with the nearest spelling.
    """
    if (zone := _zone(name)) is not None:
        return zone
    close = ABBREVIATIONS.get(name.upper()) or nearest(name, zoneinfo.available_timezones())
    remedy = f"did you mean '{close}'?" if close else 'write an IANA name such as "Asia/Seoul"'
    raise ValueError(f"'{shortened(name)}' is not a time zone; {remedy}")


def machine_timezone(
    environ: Mapping[str, str] | None = None, etc: Path = Path("/etc")
) -> ZoneInfo:
    """Return the zone of $TZ, of the link /etc/localtime or of /etc/timezone; else UTC."""
    for name in _machine_names(os.environ if environ is None else environ, etc):
        if (zone := _zone(name)) is not None:
            return zone
    return ZoneInfo("UTC")


def _machine_names(environ: Mapping[str, str], etc: Path) -> Iterator[str]:
    yield environ.get("TZ", "").removeprefix(":").rpartition("/zoneinfo/")[2]
    try:
        yield os.path.realpath(etc / "localtime").rpartition("/zoneinfo/")[2]
        yield (etc / "timezone").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        # A directory such as "Asia" raises OSError. "../etc" and broken files raise ValueError.
        return None
