"""Time zones as legacy configurations name them. Used by the checks that report."""

from __future__ import annotations

import zoneinfo
from zoneinfo import ZoneInfo

ABBREVIATIONS = {
    "KST": "Asia/Seoul",
    "JST": "Asia/Tokyo",
    "HKT": "Asia/Hong_Kong",
    "SGT": "Asia/Singapore",
    "PHT": "Asia/Manila",
    "ICT": "Asia/Bangkok",
    "WIB": "Asia/Jakarta",
}
"""Only those that mean one zone. CST and IST mean several."""


def zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name or a known abbreviation; raises `ValueError`.

    Its rules are read each time, so that a run follows those of the day.
    """
    try:
        return ZoneInfo.no_cache(ABBREVIATIONS.get(name.upper(), name))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = ", ".join(ABBREVIATIONS)
        raise ValueError(
            f"{name!r} is not a time zone; write for example 'Asia/Seoul', or one of {known}"
        ) from None
