"""Time zones by name: the machine's own zone, and those in service files."""

from __future__ import annotations

import logging
import os
import re
import struct
import zoneinfo
from collections.abc import Mapping
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from supervisor.files import read_regular_file
from supervisor.text import nearest, shortened

MAX_BYTES = 64 * 1024
"""Bytes of a file of rules that are read, at most. The largest has less than 4 KiB."""

_log = logging.getLogger(__name__)

_HAS_SUMMER_TIME = re.compile(r"(?:[A-Za-z]+|<[^>]+>)[-+0-9:]+(?:[A-Za-z]+|<[^>]+>)[-+0-9:]*")
"""A rule that names two times, standard and summer time."""

_USUAL_SUMMER_TIME = ",M3.2.0,M11.1.0"
"""When summer time begins and ends if a rule does not say it: as the C library has it."""

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

_rules: dict[str, bytes | None] = {}
"""The rules of the zones that were returned, as the database of this host has them. By name.

None for a zone that only the package `tzdata` has.
"""


def parse_timezone(name: str) -> ZoneInfo:
    """Return the IANA zone of this name.

    Raises `ValueError` with the nearest spelling.
    """
    if (zone := _zone(name)) is not None:
        return zone
    close = ABBREVIATIONS.get(name.upper()) or nearest(name, zoneinfo.available_timezones())
    remedy = f"did you mean '{close}'?" if close else 'write an IANA name such as "Asia/Seoul"'
    raise ValueError(f"'{shortened(name)}' is not a time zone; {remedy}")


def look_again() -> None:
    """Let later calls see what was changed in the database since the last one.

    A zone whose rules are the same stays the same object.
    """
    changed = [name for name, rules in _rules.items() if _database(name) != rules]
    ZoneInfo.clear_cache(only_keys=changed)
    for name in changed:
        del _rules[name]
    _name_of.cache_clear()


def zone_of_key(key: str) -> ZoneInfo:
    """Return the zone that has this `key`: a name, a file, or a rule of $TZ. Else return UTC."""
    return _zone_of_variable(key) or ZoneInfo("UTC")


def machine_timezone(
    environ: Mapping[str, str] | None = None, etc: Path = Path("/etc")
) -> ZoneInfo:
    """Return the zone that other programs of this machine have: by $TZ, else by /etc/localtime.

    $TZ may be a name, a rule or a file. /etc/localtime may be a link or a copy. Where it is
    missing, /etc/timezone names the zone. Without any of them it is UTC. What cannot be used is
    logged.
    """
    rule = (os.environ if environ is None else environ).get("TZ", "").removeprefix(":")
    localtime = etc / "localtime"
    named = _first_line(etc / "timezone")
    if rule:
        if (zone := _zone_of_variable(rule)) is not None:
            return zone
        _warn(f"the variable TZ is ignored: '{shortened(rule)}' is not a time zone")
    if (zone := _zone(os.path.realpath(localtime).rpartition("/zoneinfo/")[2])) is not None:
        return zone
    if os.path.lexists(localtime):
        if (zone := _zone_of_file(localtime, named)) is not None:
            return zone
        _warn(f"{localtime} is ignored: it is not a file of a time zone")
    return _zone(named) or ZoneInfo("UTC")


def _zone_of_variable(rule: str) -> ZoneInfo | None:
    if (zone := _zone(rule.rpartition("/zoneinfo/")[2])) is not None:
        return zone
    return _zone_of_file(Path(rule)) if rule.startswith("/") else _zone_of_rule(rule)


def _first_line(path: Path) -> str:
    return (_content(path) or b"").decode(errors="replace").strip().partition("\n")[0]


def _zone_of_file(path: Path, likely: str = "") -> ZoneInfo | None:
    """Return the zone whose rules a file holds: by its name, else without one."""
    content = _content(path)
    if content is None or not content.startswith(b"TZif"):
        return None
    return _zone(_name_of(content, likely)) or _zone_of_content(content, str(path))


def _content(path: Path) -> bytes | None:
    try:
        return read_regular_file(path, MAX_BYTES)
    except (OSError, ValueError):
        return None


@lru_cache(8)
def _zone_of_content(content: bytes, name: str) -> ZoneInfo | None:
    """Return the zone of these rules, None if they are broken.

    A reload gets the same object again: two zones that are not from the database never are equal.
    """
    try:
        return ZoneInfo.from_file(BytesIO(content), name)
    except (ValueError, EOFError, IndexError, struct.error):
        return None


@lru_cache(8)
def _name_of(content: bytes, likely: str) -> str:
    """Return the name under which the tz database has these rules, or ""."""
    usual = {"UTC", *_names_in_use()}
    names = [name for name in zoneinfo.available_timezones() if _database(name) == content]
    if likely in names:
        return likely
    return min(names, key=lambda name: (name not in usual, "/" not in name, name), default="")


def _database(name: str) -> bytes | None:
    for directory in zoneinfo.TZPATH:
        if (content := _content(Path(directory, name))) is not None:
            return content
    return None


def _names_in_use() -> list[str]:
    """Return the names of zones without those that are kept only for old files."""
    lines = (_database("zone1970.tab") or b"").decode(errors="replace").splitlines()
    return [line.split("\t")[2] for line in lines if line.count("\t") >= 2]


def _zone_of_rule(rule: str) -> ZoneInfo | None:
    """Return the zone of a rule as POSIX has it: "KST-9", "CET-1CEST,M3.5.0,M10.5.0/3".

    A file of rules may end with such a rule, see RFC 8536. So it is read as a file with nothing
    else in it.
    """
    if not rule.isascii() or "\n" in rule or not re.search("[0-9]", rule):
        return None
    if "," not in rule and _HAS_SUMMER_TIME.fullmatch(rule):
        rule += _USUAL_SUMMER_TIME
    no_data = struct.pack(">5s15x6l", b"TZif2", 0, 0, 0, 0, 0, 0)
    utc = struct.pack(">5s15x6l", b"TZif2", 0, 0, 0, 0, 1, 4) + struct.pack(">lbb", 0, 0, 0)
    return _zone_of_content(b"".join((no_data, utc, b"UTC\0\n", rule.encode(), b"\n")), rule)


@cache
def _warn(wrong: str) -> None:
    _log.warning('%s; write timezone = "Asia/Seoul", for example, in the service file', wrong)


def _zone(name: str) -> ZoneInfo | None:
    if not name:
        return None
    try:
        zone = ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        # A directory such as "Asia" raises OSError. "../etc" and broken files raise ValueError.
        return None
    if name not in _rules:
        _rules[name] = _database(name)
    return zone
