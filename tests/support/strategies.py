"""Hypothesis strategies that several test files share."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

ZONES = (
    "Asia/Seoul",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",  # its clocks used to change at midnight
    "Africa/Cairo",
    "Asia/Beirut",
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Apia",  # skipped a whole day
    "America/St_Johns",
    "UTC",
)

zones = st.sampled_from(ZONES).map(ZoneInfo)
any_text = st.text(st.characters(), max_size=60)  # lone surrogates, too
days = st.dates(date(2007, 1, 1), date(2030, 12, 31))


@st.composite
def days_with_changes(draw: st.DrawFn) -> tuple[ZoneInfo, date]:
    """Draw a zone and a day, often one on which its clocks change."""
    zone = draw(zones)
    day = draw(days)
    if draw(st.booleans()):
        return zone, day
    for ahead in range(400):
        found = day + timedelta(days=ahead)
        noon = [datetime.combine(found + timedelta(n), time(12), zone).utcoffset() for n in (-1, 0)]
        if noon[0] != noon[1]:
            return zone, found
    return zone, day
